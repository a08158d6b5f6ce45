#include "executor/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "plans/graph.h"

namespace falsework {

namespace {

const StepStatus& status_of(const RunState& state, const Step& step) {
  static const StepStatus kNothingYet;
  const auto found = state.steps.find(step.id);
  return found == state.steps.end() ? kNothingYet : found->second;
}

bool is_done(const RunState& state, const Step& step) {
  const StepStatus& status = status_of(state, step);
  if (status.undoing) return false;
  return status.state == StepState::kDone || status.state == StepState::kSkipped ||
         (step.kind == StepKind::kGate && state.open_gates.contains(step.id));
}

// Whether something of the step may stand in the database. A transaction leaves nothing unless it committed; a build
// that cannot run in one, and a copy, leave what they had when they stopped.
bool left_something(const RunState& state, const Step& step) {
  const StepStatus& status = status_of(state, step);
  if (is_done(state, step) || status.undoing || status.proof_failed) return true;
  const bool begun = status.state == StepState::kRunning || status.state == StepState::kFailed;
  return begun && (step.kind == StepKind::kConcurrent || step.kind == StepKind::kBackfill);
}

const Step& known_step(const Plan& plan, const std::string& id) {
  const Step* step = plan.step(id);
  if (step == nullptr) {
    throw Error(errors::kStepUnknown, fmt::format("the plan {} has no step {}", plan.name, id),
                fmt::format("List the steps with: falsework status {}.", plan.name));
  }
  return *step;
}

// The step, what needs it, and what must be undone with any of these.
std::set<std::string> undone_with(const Plan& plan, const std::string& id) {
  std::set<std::string> chosen;
  std::vector<std::string> open{known_step(plan, id).id};
  while (!open.empty()) {
    const std::string next = open.back();
    open.pop_back();
    if (!chosen.insert(next).second) continue;
    for (const std::string& dependent : downstream(plan, next)) open.push_back(dependent);
    for (const std::string& companion : known_step(plan, next).undo_with) open.push_back(companion);
  }
  return chosen;
}

std::set<std::string> chosen_for_undo(const Plan& plan, const RollbackRequest& request) {
  if (request.step) return undone_with(plan, *request.step);
  std::set<std::string> chosen;
  for (const Step& step : plan.steps) {
    if (request.to_phase && step.phase <= *request.to_phase) continue;
    chosen.merge(undone_with(plan, step.id));
  }
  return chosen;
}

}  // namespace

std::vector<const Step*> steps_to_run(const Plan& plan, const RunState& state, const Target& target) {
  std::set<std::string> wanted;
  if (target.kind == Target::Kind::kStep) {
    wanted.insert(known_step(plan, target.step).id);
    for (const std::string& id : upstream(plan, target.step)) wanted.insert(id);
  }
  std::vector<const Step*> steps;
  for (const Step& step : plan.steps) {
    if (is_done(state, step)) continue;
    if (target.kind == Target::Kind::kPhase && step.phase > target.phase) continue;
    if (target.kind == Target::Kind::kStep && !wanted.contains(step.id)) continue;
    steps.push_back(&step);
  }
  return steps;
}

std::vector<const Step*> steps_to_undo(const Plan& plan, const RunState& state, const RollbackRequest& request) {
  const std::set<std::string> chosen = chosen_for_undo(plan, request);
  std::vector<const Step*> steps;
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    if (chosen.contains(step->id) && left_something(state, *step)) steps.push_back(&*step);
  }
  return steps;
}

void require_undoable(const std::vector<const Step*>& steps, const std::string& run, bool over) {
  for (const Step* step : steps) {
    if (!step->irreversible && step->undo) continue;
    throw Error(errors::kIrreversible, fmt::format("step {} cannot be undone: {}", step->id, step->undo_note),
                over ? "The run is over. The way back is a migration of its own, from the new shape to the old one."
                     : fmt::format("The run can only go forward: falsework advance {}.", run));
  }
}

std::vector<std::string> missing(const Gate& gate, const AdvanceRequest& request) {
  std::vector<std::string> closed;
  for (const GateCondition& condition : gate.conditions) {
    const bool closed_for_release =
        condition.kind == GateCondition::Kind::kRelease && !request.releases.contains(condition.release);
    const bool closed_for_advance = condition.kind == GateCondition::Kind::kAdvance && !request.open_advance_gates;
    if (closed_for_release || closed_for_advance) closed.push_back(render_condition(condition));
  }
  return closed;
}

}  // namespace falsework
