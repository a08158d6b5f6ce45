#include "base/error_kinds.h"
#include "engine/cli/carry_on.h"
#include "engine/cli/command.h"
#include "engine/cli/phases.h"
#include "executor/schedule.h"

namespace falsework::cli {

namespace {

RollbackRequest request_of(const Arguments& arguments) {
  if (arguments.has("to-phase") && arguments.has("step")) {
    throw Error(errors::kUsage, "both --to-phase and --step are given", "Name one place to go back to.");
  }
  RollbackRequest request;
  if (const auto phase = arguments.value("to-phase")) request.to_phase = phase_named("to-phase", *phase);
  request.step = arguments.value("step");
  return request;
}

ExitCode run_rollback(Invocation& invocation) {
  const RollbackRequest request = request_of(invocation.arguments());
  const RunView run = find_run(invocation.ledger(), *invocation.arguments().word(0));
  Task task;
  task.run = run;
  task.intention = {run.record.run, run.record.name, steps_to_undo(run.plan, run.state, request), nullptr, true};
  // Nobody has to read what would be undone, and to agree to it, when nothing will be.
  if (!invocation.arguments().has("dry-run")) {
    require_undoable(task.intention.steps, run.record.run, run.state.state == RunPhaseState::kDone);
  }
  task.work = [&](const Workplace& place, bool) { return rollback_run(run.record, request, place); };
  return carry_on(invocation, {task});
}

}  // namespace

Command rollback_command() {
  std::vector<Option> options{
      {"to-phase", 0, "PHASE", "this phase stays done, later ones are undone"},
      {"step", 0, "STEP", "undo this step and everything that needs it"},
  };
  for (const Option& option : carrying_options()) options.push_back(option);
  return {"rollback",
          "undo a run, in part or as a whole",
          "RUN",
          1,
          1,
          {Needs::kDatabase, Needs::kLedger},
          options,
          run_rollback,
          {"falsework rollback users-1f0c2ab4 --dry-run", "falsework rollback users-1f0c2ab4 --to-phase validate",
           "falsework rollback users-1f0c2ab4 --yes"},
          "Steps are undone in reverse order. When one of them cannot be undone, nothing is, and that step is named."};
}

}  // namespace falsework::cli
