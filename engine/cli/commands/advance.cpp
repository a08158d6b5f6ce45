#include <fmt/format.h>

#include "base/error_kinds.h"
#include "engine/cli/carry_on.h"
#include "engine/cli/command.h"
#include "engine/cli/phases.h"

namespace falsework::cli {

namespace {

Target target_of(const Arguments& arguments) {
  const bool phase = arguments.has("phase");
  const bool step = arguments.has("step");
  const bool to_end = arguments.has("to-end");
  if ((phase ? 1 : 0) + (step ? 1 : 0) + (to_end ? 1 : 0) > 1) {
    throw Error(errors::kUsage, "more than one of --phase, --step and --to-end is given", "Name one place to stop at.");
  }
  Target target;
  if (phase) {
    target.kind = Target::Kind::kPhase;
    target.phase = phase_named("phase", *arguments.value("phase"));
  } else if (step) {
    target.kind = Target::Kind::kStep;
    target.step = *arguments.value("step");
  } else if (to_end) {
    target.kind = Target::Kind::kEnd;
  }
  return target;
}

AdvanceRequest request_of(const Arguments& arguments) {
  AdvanceRequest request;
  request.target = target_of(arguments);
  for (const std::string& release : arguments.values("release")) request.releases.insert(release);
  // Whoever says that a release is out says nothing of the gate behind it.
  request.open_advance_gates = request.releases.empty() || request.target.kind == Target::Kind::kEnd;
  return request;
}

std::vector<RunView> chosen_runs(Invocation& invocation, const AdvanceRequest& request) {
  if (const auto word = invocation.arguments().word(0)) return {find_run(invocation.ledger(), *word)};
  if (!request.releases.empty()) return runs_waiting_for(invocation.ledger(), request.releases);
  return {only_active_run(invocation.ledger())};
}

// The task points into `run`, which outlives it.
Task task_of(const RunView& run, const AdvanceRequest& request) {
  Task task;
  task.run = run;
  AdvanceRequest as_it_stands = request;
  const bool to_end = request.target.kind == Target::Kind::kEnd;
  as_it_stands.open_advance_gates =
      request.open_advance_gates && (to_end || gate_ahead(run.plan, run.state) != nullptr);
  const Preview ahead = preview(run.plan, run.state, as_it_stands);
  task.irreversible = ahead.irreversible;
  task.intention = {run.record.run, run.record.name, ahead.steps, ahead.closed_gate, false};
  task.work = [&run, request](const Workplace& place, bool confirmed) {
    AdvanceRequest now = request;
    now.confirmed = confirmed;
    return advance_run(run.record, now, place);
  };
  return task;
}

ExitCode say_that_none_waits(Invocation& invocation, const AdvanceRequest& request) {
  std::set<std::string> awaited;
  for (const RunView& run : all_runs(invocation.ledger())) {
    for (const std::string& condition : waiting_for(run.plan, run.state)) awaited.insert(condition);
  }
  std::string text = fmt::format("no run waits for release {}", fmt::join(request.releases, ", "));
  if (!awaited.empty()) text += fmt::format("; runs wait for: {}", fmt::join(awaited, ", "));
  invocation.console().note(text);
  print_results(invocation.console(), {});
  return ExitCode::kDone;
}

ExitCode run_advance(Invocation& invocation) {
  const AdvanceRequest request = request_of(invocation.arguments());
  const std::vector<RunView> runs = chosen_runs(invocation, request);
  if (runs.empty()) return say_that_none_waits(invocation, request);
  std::vector<Task> tasks;
  for (const RunView& run : runs) tasks.push_back(task_of(run, request));
  return carry_on(invocation, tasks);
}

}  // namespace

Command advance_command() {
  std::vector<Option> options{
      {"release", 0, "NAME", "this release is out everywhere", true},
      {"phase", 0, "PHASE", "go on through this phase: expand, dual_write, backfill, validate, switch, contract"},
      {"step", 0, "STEP", "go on through this step and what it needs"},
      {"to-end", 0, "", "go on to the end, through every gate that no release holds closed"},
  };
  for (const Option& option : carrying_options()) options.push_back(option);
  return {
      "advance",
      "carry a run on: open its gate, promote what waits for a release, go on after a stop or a failure",
      "[RUN]",
      0,
      1,
      {Needs::kDatabase, Needs::kLedger},
      options,
      run_advance,
      {"falsework advance --release 2026.12 --yes", "falsework advance users-1f0c2ab4",
       "falsework advance users-1f0c2ab4 --phase validate",
       "falsework advance users-1f0c2ab4 --release 2027.01 --confirm users --yes"},
      "RUN is a run's id, or the name of its migration where one run has it. Without RUN, --release promotes every "
      "run that waits for it; otherwise the only run under way is meant. A plain advance opens the gate at which the "
      "run stands, unless that waits for a release, and goes on to the next one."};
}

}  // namespace falsework::cli
