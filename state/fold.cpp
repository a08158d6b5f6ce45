#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/error_kinds.h"
#include "state/run_state.h"

namespace falsework {

namespace {

void begin(StepStatus& step, const Event& event, bool undoing) {
  ++step.attempts;
  step.undoing = undoing;
  step.started_at = event.at;
  step.ended_at.clear();
  step.last_error.clear();
  step.sqlstate.clear();
  // A failed proof stands until a person clears it, however often the step is begun again.
  if (!step.proof_failed || undoing) step.state = StepState::kRunning;
}

void end(StepStatus& step, const Event& event, StepState state) {
  step.state = state;
  step.ended_at = event.at;
}

void fail(StepStatus& step, const Event& event) {
  end(step, event, StepState::kFailed);
  step.last_error = event.detail;
  step.sqlstate = event.sqlstate;
}

void finish(StepStatus& step, const Event& event) {
  if (step.proof_failed) return;
  end(step, event, StepState::kDone);
  step.undoing = false;
  step.last_error.clear();
  step.sqlstate.clear();
  if (event.rows >= 0) step.rows = event.rows;
}

// An undo that is finished leaves nothing of what it undid, a failed proof included: the rows it spoke of are gone.
void finish_undo(StepStatus& step, const Event& event) {
  end(step, event, StepState::kUndone);
  step.undoing = false;
  step.proof_failed = false;
  step.last_error.clear();
  step.sqlstate.clear();
  step.rows = -1;
  step.progress = Progress{};
}

void take_generation(StepStatus& step, int generation) {
  if (generation <= step.generation) return;
  step.generation = generation;
  step.rows = -1;
  step.progress = Progress{};
}

void apply_to_step(StepStatus& step, const Event& event) {
  take_generation(step, event.generation);
  switch (event.kind) {
    case EventKind::kStepIntent: begin(step, event, false); break;
    case EventKind::kUndoIntent: begin(step, event, true); break;
    case EventKind::kStepProgress:
      step.progress = parse_progress(event.detail);
      if (event.rows >= 0) step.rows = event.rows;
      break;
    case EventKind::kStepDone:
    case EventKind::kGateOpened: finish(step, event); break;
    case EventKind::kStepFailed:
    case EventKind::kUndoFailed: fail(step, event); break;
    case EventKind::kStepBlocked:
      step.last_error = event.detail;
      step.sqlstate = event.sqlstate;
      break;
    case EventKind::kUndoDone: finish_undo(step, event); break;
    case EventKind::kProofFailed:
      fail(step, event);
      step.proof_failed = true;
      break;
    case EventKind::kProofCleared:
      step.proof_failed = false;
      end(step, event, StepState::kPending);
      step.last_error.clear();
      break;
    case EventKind::kGateOverridden:
    case EventKind::kGateApproved:
    case EventKind::kBackupAcknowledged:
    case EventKind::kArchiveIntent:
    case EventKind::kArchiveDropped:
    case EventKind::kRunCreated:
    case EventKind::kRunWaiting:
    case EventKind::kRunPaused:
    case EventKind::kRunResumed:
    case EventKind::kRunDone:
    case EventKind::kRunReopened:
    case EventKind::kRunRolledBack:
    case EventKind::kRunAdopted:
    case EventKind::kLedgerRepaired: break;
  }
}

// The state that an event puts its run into; nullopt where it leaves it as it is.
std::optional<RunPhaseState> run_state_after(EventKind kind) {
  switch (kind) {
    case EventKind::kRunCreated:
    case EventKind::kStepIntent:
    case EventKind::kUndoIntent:
    case EventKind::kRunResumed:
    case EventKind::kRunReopened:
    case EventKind::kGateOpened: return RunPhaseState::kRunning;
    case EventKind::kStepFailed:
    case EventKind::kUndoFailed:
    case EventKind::kProofFailed: return RunPhaseState::kFailed;
    case EventKind::kRunWaiting: return RunPhaseState::kWaiting;
    case EventKind::kRunPaused:
    case EventKind::kProofCleared: return RunPhaseState::kPaused;
    case EventKind::kRunDone: return RunPhaseState::kDone;
    case EventKind::kRunRolledBack: return RunPhaseState::kRolledBack;
    case EventKind::kGateOverridden:
    case EventKind::kGateApproved:
    case EventKind::kBackupAcknowledged:
    case EventKind::kArchiveIntent:
    case EventKind::kArchiveDropped:
    case EventKind::kStepProgress:
    case EventKind::kStepDone:
    case EventKind::kStepBlocked:
    case EventKind::kUndoDone:
    case EventKind::kRunAdopted:
    case EventKind::kLedgerRepaired: return std::nullopt;
  }
  return std::nullopt;
}

StepStatus& step_of(RunState& state, const Event& event) {
  const auto found = state.steps.find(event.step);
  if (found == state.steps.end()) {
    throw Error(errors::kLedgerUnusable,
                fmt::format("event {} of run {} names step {}, which its plan does not have", event.serial, event.run,
                            event.step),
                "Move it away, then rebuild it from the journal in the database with: falsework adopt.");
  }
  return found->second;
}

template <typename State, std::size_t kCount>
std::string_view name_at(const std::array<std::string_view, kCount>& names, State state) {
  const auto index = static_cast<std::size_t>(state);
  FALSEWORK_CHECK(index < kCount);
  return names[index];
}

}  // namespace

std::string_view name(StepState state) {
  static constexpr std::array<std::string_view, 6> kNames{"pending", "running", "done", "failed", "undone", "skipped"};
  return name_at(kNames, state);
}

std::string_view name(RunPhaseState state) {
  static constexpr std::array<std::string_view, 6> kNames{"running", "waiting", "paused",
                                                          "failed",  "done",    "rolled_back"};
  return name_at(kNames, state);
}

RunState fold(const Plan& plan, const std::vector<Event>& events) {
  RunState state;
  for (const Step& step : plan.steps) state.steps.emplace(step.id, StepStatus{});
  for (const Event& event : events) {
    if (state.run.empty()) state.run = event.run;
    FALSEWORK_CHECK(event.run == state.run);
    FALSEWORK_CHECK(event.serial == 0 || event.serial > state.last_serial);
    state.last_serial = event.serial;
    if (!event.step.empty()) apply_to_step(step_of(state, event), event);
    if (event.kind == EventKind::kGateOpened) state.open_gates.insert(event.step);
    if (event.kind == EventKind::kRunWaiting) state.waiting = event.detail;
    if (event.kind == EventKind::kUndoDone) state.open_gates.erase(event.step);
    // The copy's progress belongs to a pause that holds it; everything else ends one.
    if (event.kind != EventKind::kStepProgress) {
      state.held_by_pause = event.kind == EventKind::kRunPaused && !event.step.empty();
    }
    state.state = run_state_after(event.kind).value_or(state.state);
  }
  return state;
}

}  // namespace falsework
