// What the tests of the journal share: an engine's session on a test's database, and a run to hold.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/clock.h"
#include "postgres/session/session.h"
#include "state/postgres/journal.h"
#include "tests/state/ledger_file.h"
#include "tests/support/server.h"

namespace falsework::test {

// One engine: its session and the journal through it.
struct Engine {
  explicit Engine(const std::string& url, const std::string& holder_name = "ann@host (1)")
      : session(pg::connect({url, "falsework test", std::chrono::seconds(10), {}})),
        journal(*session),
        holder(holder_name) {}

  std::uint64_t fence(const std::string& run, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    epoch = journal.fence(run, holder, clock, patience);
    return epoch;
  }

  std::unique_ptr<pg::Session> session;
  Journal journal;
  std::string holder;
  SystemClock clock;
  std::uint64_t epoch = 0;
};

inline JournalRun journal_run(const std::string& run, std::vector<std::string> relations = {"users"}) {
  JournalRun entry;
  entry.run = run;
  entry.name = "users_email";
  entry.plan_digest = "digest";
  entry.plan_text = "{\"plan\": 1}";
  entry.lineage = "lineage";
  entry.relations = std::move(relations);
  return entry;
}

inline JournalStep journal_step(const std::string& step, JournalState state, int generation, std::uint64_t epoch,
                                const std::string& cursor = {}, std::int64_t rows = 0) {
  JournalStep row;
  row.step = step;
  row.state = state;
  row.generation = generation;
  row.epoch = epoch;
  row.cursor = cursor;
  row.rows = rows;
  return row;
}

}  // namespace falsework::test
