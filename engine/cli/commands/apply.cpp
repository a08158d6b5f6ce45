#include "engine/cli/carry_on.h"
#include "engine/cli/command.h"
#include "engine/cli/preflight_report.h"

namespace falsework::cli {

namespace {

// The run that this plan has already, as the ledger knows it; else a new one, which has no id.
RunView run_of(Invocation& invocation, const Plan& plan) {
  if (invocation.has_ledger()) {
    for (const RunView& run : all_runs(invocation.ledger())) {
      if (run.record.plan_digest == plan.digest && run.state.state != RunPhaseState::kRolledBack) return run;
    }
  }
  RunView fresh;
  fresh.record.name = plan.name;
  fresh.plan = plan;
  return fresh;
}

ExitCode run_apply(Invocation& invocation) {
  const PlanFile plan = load_plan(*invocation.arguments().word(0));
  Task task;
  task.run = run_of(invocation, plan.plan);
  AdvanceRequest closed;
  closed.open_gates = false;
  const Preview ahead = preview(plan.plan, task.run.state, closed);
  task.intention = {task.run.record.run, plan.plan.name, ahead.steps, ahead.closed_gate, false};
  task.irreversible = ahead.irreversible;
  task.work = [&](const Workplace& place, bool confirmed) {
    AdvanceRequest request = closed;
    request.confirmed = confirmed;
    return apply_plan(plan, request, place);
  };
  return carry_on(invocation, {task});
}

}  // namespace

Command apply_command() {
  std::vector<Option> options = carrying_options();
  for (const Option& option : preflight_options()) options.push_back(option);
  return {
      "apply",
      "start the run of a plan and go on to the first closed gate",
      "PLAN",
      1,
      1,
      {Needs::kDatabase, Needs::kLedgerCreated},
      options,
      run_apply,
      {"falsework apply users.plan.json -d postgres://owner@db/shop", "falsework apply users.plan.json --dry-run",
       "falsework apply users.plan.json --yes --json --detailed-exitcode"},
      "Applying a plan whose run has begun goes on with that run; nothing is started twice. The catalog must still be "
      "what the plan relies on. Gates are opened by `falsework advance`, never by this command."};
}

}  // namespace falsework::cli
