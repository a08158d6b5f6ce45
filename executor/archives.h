// The archives of a run: that they are there before an undo reads them, and their removal.
//
// One rule: an archive may be the only copy of what it holds: none is removed before the run is done, nor while a
// rollback has been begun, and the journal knows of it in the transaction that does it.
#pragma once

#include <string>
#include <vector>

#include "executor/run_context.h"

namespace falsework {

// Before anything is undone: what an undo reads must still be there. Throws Error(step.irreversible).
void require_archives(RunContext& context, const std::vector<const Step*>& steps);

// Drops what is there of the run's archives, in one transaction; returns their names. Throws Error(usage) for a run
// that is not done, or that is on its way back, Error(lock.budget_exhausted).
std::vector<std::string> drop_archives(RunContext& context);

// Tells the ledger of a removal that only the journal knows.
void tell_dropped_archives(RunContext& context);

}  // namespace falsework
