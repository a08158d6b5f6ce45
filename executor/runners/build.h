// A statement that cannot be in a transaction, and may take hours: watched, told about, and ended in time.
//
// One rule: the statement has a thread of its own and the executor's thread watches it, for that one alone writes the
// ledger.
#pragma once

#include <string>

#include "executor/run_context.h"

namespace falsework {

// Runs `sql` on the run's session. Meanwhile tells the observer and the ledger how far an index build is and whom the
// statement waits for, once in a progress interval. A stop request cancels it, and so does the limit of time
// (ExecutorOptions::build_timeout, else the step's own; 0: none). Throws Error(stopped.…), Error(build.timeout),
// pg::SqlError, pg::ConnectionLost, or what the driver throws; what an index build leaves then is the caller's to
// remove. A cancel request may come late: what follows on this session is asked with query_past_cancels.
void run_build(RunContext& context, const Step& step, const std::string& sql);

}  // namespace falsework
