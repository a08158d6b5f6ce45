#include <doctest/doctest.h>

#include "tests/state/postgres/engine.h"

namespace falsework {

TEST_SUITE_BEGIN("state/postgres/history");

namespace {

// Two runs with a history each, and what somebody with the owner's rights does to it.
std::vector<std::string> problems_after(const std::string& tampering) {
  const test::TestDatabase database(test::Server::any());
  test::Engine engine(database.url());
  engine.journal.install();
  for (const std::string run : {"a-1", "b-1"}) {
    engine.journal.create_run(test::journal_run(run, {run}));
    engine.fence(run);
    for (const std::string step : {"one", "two", "three"}) {
      engine.journal.record(run, "digest", test::journal_step(step, JournalState::kDone, 1, engine.epoch));
    }
  }
  CHECK(engine.journal.verify_history().empty());
  if (!tampering.empty()) database.connect_as_superuser().exec(tampering);
  return engine.journal.verify_history();
}

}  // namespace

TEST_CASE("the chain of hashes tells which entry was changed, removed or exchanged, the last one included") {
  struct Case {
    std::string tampering;
    std::string first;  // of the problems
  };
  const Case cases[] = {
      {"UPDATE falsework.history SET actor = 'nobody' WHERE run = 'a-1' AND entry = 3", "run a-1: entry 3 was changed"},
      {"UPDATE falsework.history SET at = at + interval '1 us' WHERE run = 'b-1' AND entry = 2",
       "run b-1: entry 2 was changed"},
      {"DELETE FROM falsework.history WHERE run = 'a-1' AND entry IN (3, 4)", "run a-1: entries 3 to 4 are missing"},
      {"DELETE FROM falsework.history WHERE run = 'a-1' AND entry = 5", "run a-1: entries 5 to 5 are missing"},
      {"DELETE FROM falsework.history WHERE run = 'b-1'", "run b-1: entries 1 to 5 are missing"},
      {"UPDATE falsework.history SET entry = CASE entry WHEN 3 THEN 104 ELSE 103 END WHERE run = 'a-1' AND entry IN "
       "(3, "
       "4); UPDATE falsework.history SET entry = entry - 100 WHERE entry > 100",
       "run a-1: entry 3 does not follow the one before it"},
      {"DELETE FROM falsework.history WHERE run = 'a-1' AND entry = 3; UPDATE falsework.history SET entry = entry - 1 "
       "WHERE run = 'a-1' AND entry > 3; UPDATE falsework.run SET entries = 4 WHERE run = 'a-1'",
       "run a-1: entry 3 does not follow the one before it"},
      {"UPDATE falsework.history SET event = 'undone', hash = repeat('0', 64) WHERE run = 'a-1' AND entry = 5",
       "run a-1: entry 5 was changed"},
      {"INSERT INTO falsework.history (run, entry, step, event, generation, epoch, rows, duration_ms, sqlstate, "
       "detail, "
       "actor, role, pid, at, previous_hash, hash) SELECT run, 6, step, event, generation, epoch, rows, duration_ms, "
       "sqlstate, detail, actor, role, pid, at, hash, hash FROM falsework.history WHERE run = 'a-1' AND entry = 5",
       "run a-1: entry 6 was changed"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.tampering);
    const std::vector<std::string> problems = problems_after(c.tampering);
    REQUIRE(!problems.empty());
    CHECK(problems.front() == c.first);
  }
}

TEST_CASE("an entry says who did what, from where, when and for how long") {
  const test::TestDatabase database(test::Server::any());
  test::Engine engine(database.url(), "ann@host (17)");
  engine.journal.install();
  engine.journal.create_run(test::journal_run("a-1"));
  engine.fence("a-1");
  JournalStep row = test::journal_step("one", JournalState::kDone, 1, engine.epoch, {}, 42);
  row.duration_ms = 1700;
  row.detail = "as asked";
  engine.journal.record("a-1", "digest", row);
  const JournalEntry entry = engine.journal.history("a-1").back();
  CHECK(entry.entry == 3);
  CHECK(entry.event == "done");
  CHECK(entry.actor == "ann@host (17)");
  CHECK(entry.role == database.role());
  CHECK(entry.pid == engine.session->backend_pid());
  CHECK(entry.rows == 42);
  CHECK(entry.duration_ms == 1700);
  CHECK(entry.detail == "as asked");
  CHECK(entry.at.size() == 24);
}

TEST_CASE("an engine that was overtaken adds nothing to the history") {
  const test::TestDatabase database(test::Server::any());
  test::Engine engine(database.url());
  engine.journal.install();
  engine.journal.create_run(test::journal_run("a-1"));
  const std::uint64_t epoch = engine.fence("a-1");
  engine.fence("a-1");
  const std::size_t before = engine.journal.history("a-1").size();
  CHECK_THROWS_AS(engine.journal.note("a-1", epoch, JournalEntry{}), Error);
  CHECK(engine.journal.history("a-1").size() == before);
}

TEST_SUITE_END();

}  // namespace falsework
