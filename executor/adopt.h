// Takes over runs whose ledger is lost: rebuilds it from the journal in the database.
//
// One rule: no run is taken from an engine that lives. What is adopted is fenced first, and from then on the ledger
// that it was kept in is refused.
#pragma once

#include <string>
#include <vector>

#include "executor/executor.h"
#include "executor/lineage.h"

namespace falsework {

// A run of the journal, as a ledger sees it.
struct JournaledRun {
  JournalRun entry;
  Plan plan;
  LedgerStanding standing = LedgerStanding::kOtherLineage;
};

// All runs of the journal, oldest first; without a ledger, none is kept. Throws Error(run.unknown) when the database
// has no journal, Error(plan.digest_mismatch) for a plan that was changed.
std::vector<JournaledRun> find_journaled(const pg::ConnectionSettings& connection, const Ledger* ledger);

// Rebuilds the run in the ledger, or brings it up where an older state of it is there, and makes the ledger the one
// that keeps it. Returns false when it was that already. Throws as Engagement::take_up does.
bool adopt_run(const std::string& run, const std::string& reason, Ledger& ledger, Clock& clock, Observer& observer,
               const ExecutorOptions& options);

}  // namespace falsework
