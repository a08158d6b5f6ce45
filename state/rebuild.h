// The events of a run as the journal in the database remembers them: what a lost ledger is rebuilt from.
//
// One rule: pure, and of the journal alone. What never reached the database (a lock that was waited for, a step that
// was begun and left nothing) is not there to be told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "plans/plan.h"
#include "state/event.h"
#include "state/postgres/journal.h"

namespace falsework {

// Events in order, without serials and hashes; the first is run_created. Entries of steps that the plan does not have
// are left out: reconcile() decides by the journal's rows in any case.
std::vector<Event> rebuild_events(const Plan& plan, const JournalRun& run, const std::vector<JournalEntry>& history,
                                  const std::map<std::string, JournalStep>& steps);

}  // namespace falsework
