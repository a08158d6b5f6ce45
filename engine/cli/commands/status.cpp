#include <fmt/format.h>

#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/cli/report.h"
#include "engine/cli/terminal.h"

namespace falsework::cli {

namespace {

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

void print_runs(Console& console, const std::vector<RunView>& runs) {
  std::vector<std::vector<std::string>> rows{{"RUN", "STATE", "PHASE", "WAITING FOR", "DATABASE"}};
  for (const RunView& run : runs) {
    rows.push_back(
        {run.record.run, std::string(name(run.state.state)), std::string(name(phase_of(run.plan, run.state))),
         or_dash(fmt::format("{}", fmt::join(waiting_for(run.plan, run.state), ", "))), run.record.database});
  }
  console.table(rows);
}

void print_steps(Console& console, const RunView& run) {
  std::vector<std::vector<std::string>> rows{{"STEP", "KIND", "STATE", "TRIES", ""}};
  for (const Step& step : run.plan.steps) {
    const StepStatus& status = run.state.steps.at(step.id);
    std::string remark = status.last_error;
    if (remark.empty() && step.kind == StepKind::kBackfill && status.state != StepState::kPending) {
      remark = render_numbers(status.progress);
    }
    rows.push_back({step.id, std::string(name(step.kind)), std::string(name(status.state)),
                    std::to_string(status.attempts), remark});
  }
  console.table(rows);
}

ExitCode run_status(Invocation& invocation) {
  Console& console = invocation.console();
  const auto word = invocation.arguments().word(0);
  std::vector<RunView> runs;
  if (word) {
    runs.push_back(find_run(invocation.ledger(), *word));
  } else if (invocation.has_ledger()) {
    runs = all_runs(invocation.ledger());
  }
  if (console.json()) {
    console.document(render_status_json(runs));
    return ExitCode::kDone;
  }
  if (runs.empty()) {
    console.line("there are no runs");
    return ExitCode::kDone;
  }
  print_runs(console, runs);
  for (const RunView& run : runs) {
    if (word) {
      console.line("");
      print_steps(console, run);
    }
    const std::string next = next_command(run.record.run, run.plan, run.state);
    if (!next.empty()) console.line(fmt::format("next: {}", next));
  }
  return ExitCode::kDone;
}

}  // namespace

Command status_command() {
  return {"status",
          "tell where the runs stand, what they wait for, and what to type next",
          "[RUN]",
          0,
          1,
          {Needs::kLedger},
          {},
          run_status,
          {"falsework status", "falsework status users", "falsework status --json | jq '.runs[].waiting_for'"},
          "It reads the ledger only, so it works while a run is under way and while the database is not reachable."};
}

}  // namespace falsework::cli
