// Brings the ledger up to the journal: what has happened is what the journal says.
//
// One rule: pure. A ledger that lags gets the events that it lacks; a ledger that is ahead means that the database lost
// history, or is another one, and stops the run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plans/plan.h"
#include "state/event.h"
#include "state/postgres/journal.h"
#include "state/run_state.h"

namespace falsework {

struct Repair {
  EventKind kind = EventKind::kStepDone;
  std::string step;
  std::string detail;
  bool operator==(const Repair&) const = default;
};

struct Reconciliation {
  std::vector<Repair> repairs;     // events that the ledger lacks, in order
  std::vector<std::string> ahead;  // ids of steps that only the ledger knows as finished
};

Reconciliation reconcile(const Plan& plan, const RunState& ledger, const std::map<std::string, JournalStep>& journal);

}  // namespace falsework
