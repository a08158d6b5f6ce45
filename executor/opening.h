// How a run is taken up: connect, look who and where we are, find the run in journal and ledger, fence, reconcile.
//
// One rule: nothing is read from the journal as final before the fence; nothing is sent for a run whose database,
// lineage or plan is not the one that it belongs to.
#pragma once

#include <memory>
#include <string>

#include "executor/run_context.h"

namespace falsework {

// Creates the run, or takes up the one that this plan has in this database.
std::unique_ptr<RunContext> open_for_plan(const Plan& plan, const std::string& plan_text, Ledger& ledger, Clock& clock,
                                          Observer& observer, const ExecutorOptions& options);
std::unique_ptr<RunContext> open_for_run(const RunRecord& run, Ledger& ledger, Clock& clock, Observer& observer,
                                         const ExecutorOptions& options);

// Fences unless that was done: raises the epoch, reads the journal, brings the ledger up to it.
void ensure_fenced(RunContext& context);

// After a lost connection: connects anew with pauses, for at most 30 s, fences and reads the journal again. What was in
// doubt is settled by that.
void reconnect(RunContext& context);

}  // namespace falsework
