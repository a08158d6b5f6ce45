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

// A condition as it stands in journal and ledger: `release 2026.12`, `advance`.
std::string render_condition(const GateCondition& condition);

// The conditions of a gate that are not met yet, for people: `release 2026.12`.
std::vector<std::string> missing(const Gate& gate, const AdvanceRequest& request);

}  // namespace falsework
