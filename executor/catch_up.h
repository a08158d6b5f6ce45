// Brings a ledger up to the journal, when a run is taken up.
//
// One rule: the journal wins. The ledger gets what it lacks; where it knows more, the database lost history.
#pragma once

#include "executor/run_context.h"

namespace falsework {

// Appends what the ledger lacks. Throws Error(ledger.foreign) when it is ahead, and names the steps.
void bring_ledger_up(RunContext& context);

// Where the run stands, from the ledger.
RunState state_of(const RunContext& context);

}  // namespace falsework
