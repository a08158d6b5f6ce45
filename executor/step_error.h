// What becomes of an error that a step met.
#pragma once

#include "executor/run_context.h"

namespace falsework {

// Whether the connection is gone, however the server or the driver put it.
bool is_connection_loss(const Error& error, const pg::Session* session);

// Whether the server missed something that a statement names: somebody else has removed or renamed it.
bool misses_something(const Error& error);

// Tells observer and ledger of the failure and throws it on, in words that name the run, the step and the next command.
// A lost connection and a stop are no failures of the step: they are thrown on as they are.
[[noreturn]] void settle_failure(RunContext& context, const Step& step, bool undo, const Error& error);

}  // namespace falsework
