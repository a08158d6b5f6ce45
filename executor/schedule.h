// Which step comes next: a pure function of the plan and the run's state.
#pragma once

#include <string>
#include <vector>

#include "executor/executor.h"
#include "plans/plan.h"
#include "state/run_state.h"

namespace falsework {

// Steps to run for a target, in order, gates included; without those that are done.
std::vector<const Step*> steps_to_run(const Plan& plan, const RunState& state, const Target& target);

// Steps to undo, in reverse order; gates and notes included, so that they close again.
std::vector<const Step*> steps_to_undo(const Plan& plan, const RunState& state, const RollbackRequest& request);

// Throws Error(step.irreversible) that names the first of `steps`, which are to be undone, that cannot be.
void require_undoable(const std::vector<const Step*>& steps, const std::string& run, bool over);

// The conditions of a gate that only people can meet and that the request does not: `release 2026.12`, `advance`. What
// the database has to be asked for is not among them (executor/gates).
std::vector<std::string> missing(const Gate& gate, const AdvanceRequest& request);

}  // namespace falsework
