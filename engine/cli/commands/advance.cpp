#include <fmt/format.h>

#include "base/error_kinds.h"
#include "engine/cli/carry_on.h"
#include "engine/cli/command.h"
#include "engine/cli/phases.h"
#include "engine/cli/preflight_report.h"
#include "engine/gates.h"

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
  const auto gate = arguments.value("override");
  const auto reason = arguments.value("reason");
  if (gate && (!reason || reason->empty())) {
    throw Error(errors::kUsage, fmt::format("--override {} gives no reason", *gate),
                "Add --reason TEXT: it is kept in the history of the run.");
  }
  if (reason && !gate) throw Error(errors::kUsage, "--reason stands without --override", "Name the gate, too.");
  request.override_gate = gate.value_or("");
  request.override_reason = reason.value_or("");
  return request;
}

std::vector<RunView> chosen_runs(Invocation& invocation, const AdvanceRequest& request) {
  if (const auto word = invocation.arguments().word(0)) return {find_run(invocation.ledger(), *word)};
  if (!request.releases.empty()) return runs_waiting_for(invocation.ledger(), request.releases);
  return {only_active_run(invocation.ledger())};
}

// Nobody overrides a gate unawares: it is the one at which the run stands, and no other.
void check_override(const RunView& run, const AdvanceRequest& request) {
  if (request.override_gate.empty()) return;
  const Step& gate = gate_named(run.plan, request.override_gate);
  if (gate_ahead(run.plan, run.state) == &gate) return;
  throw Error(errors::kUsage, fmt::format("run {} does not stand at the gate {}", run.record.run, gate.id),
              fmt::format("See where it stands with: falsework status {}.", run.record.run));
}

// The task points into `run`, which outlives it.
Task task_of(const RunView& run, const AdvanceRequest& request) {
  check_override(run, request);
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
  if (!invocation.arguments().has("dry-run")) {
    const bool kept = remember_releases(invocation.connection(), request.releases, invocation.actor_here());
    invocation.console().note(kept ? "it is remembered for the runs that come to its gates later (a slip is taken back "
                                     "with: falsework release withdraw NAME)"
                                   : "it is not remembered: this database has no journal yet");
  }
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
      {"override", 0, "GATE", "open this gate in spite of what is missing; never past a failed proof"},
      {"reason", 0, "TEXT", "why it is overridden; kept in the history"},
  };
  for (const Option& option : carrying_options()) options.push_back(option);
  for (const Option& option : preflight_options()) options.push_back(option);
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
       "falsework advance users-1f0c2ab4 --release 2027.01 --confirm users --yes",
       "falsework advance users-1f0c2ab4 --override contract --reason \"OPS-812: the report is switched off\" --yes"},
      "RUN is a run's id, or the name of its migration where one run has it. Without RUN, --release promotes every "
      "run that waits for it; otherwise the only run under way is meant. A plain advance opens the gate at which the "
      "run stands, unless that waits for more, and goes on to the next one; when the gate stays closed, it is refused "
      "with what is missing. A release that is out is remembered for runs that come to its gates later."};
}

}  // namespace falsework::cli
