#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "engine/cli/archive_report.h"
#include "engine/cli/command.h"
#include "engine/cli/copy_report.h"
#include "engine/cli/invocation.h"
#include "engine/cli/report.h"
#include "engine/cli/terminal.h"
#include "engine/gates.h"
#include "engine/runbook/words.h"

namespace falsework::cli {

namespace {

constexpr std::chrono::milliseconds kUsualInterval{2000};

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

// The runs that are asked for, how the gates stand at which they wait, and what they keep in archives.
struct Situation {
  std::vector<RunView> runs;
  std::vector<GateReport> gates;
  std::vector<std::optional<std::vector<ArchiveView>>> archives;
};

Situation look(Invocation& invocation) {
  Situation now;
  if (const auto word = invocation.arguments().word(0)) {
    now.runs.push_back(find_run(invocation.ledger(), *word));
  } else if (invocation.has_ledger()) {
    now.runs = all_runs(invocation.ledger());
  }
  if (invocation.database_is_named()) {
    now.gates = look_at_gates(now.runs, invocation.connection());
    now.archives = look_at_archives(now.runs, invocation.connection());
  }
  now.gates.resize(now.runs.size());
  now.archives.resize(now.runs.size());
  return now;
}

void print_runs(Console& console, const Situation& now) {
  std::vector<std::vector<std::string>> rows{{"RUN", "STATE", "PHASE", "WAITING FOR", "DATABASE"}};
  for (std::size_t i = 0; i < now.runs.size(); ++i) {
    const RunView& run = now.runs[i];
    rows.push_back({run.record.run, std::string(name(run.state.state)),
                    std::string(name(phase_of(run.plan, run.state))),
                    or_dash(fmt::format("{}", fmt::join(awaited(run, now.gates[i]), ", "))), run.record.database});
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
    if (status.state == StepState::kRunning && !status.progress.phase.empty()) {
      remark = render_build(status.progress);
    }
    rows.push_back({step.id, std::string(name(step.kind)), std::string(name(status.state)),
                    std::to_string(status.attempts), remark});
  }
  console.table(rows);
}

// What a copy under way looks at to keep out of the application's way.
void print_signals(Console& console, const RunView& run) {
  for (const Step& step : run.plan.steps) {
    const StepStatus& status = run.state.steps.at(step.id);
    if (status.state != StepState::kRunning || status.progress.signals.empty()) continue;
    console.line(
        fmt::format("\n{}: {} at work", step.id,
                    runbook::count_of(static_cast<std::size_t>(status.progress.workers), "worker", "workers")));
    for (const std::string& reason : status.progress.throttled_by) console.line(fmt::format("  held back: {}", reason));
    console.table(signal_table(status.progress));
  }
}

// In the list of all runs, too, it is said why one has failed.
void print_failures(Console& console, const RunView& run) {
  if (run.state.state != RunPhaseState::kFailed) return;
  for (const Step& step : run.plan.steps) {
    const StepStatus& status = run.state.steps.at(step.id);
    if (status.state != StepState::kFailed || status.last_error.empty()) continue;
    console.line(fmt::format("{}: {} failed: {}", run.record.run, step.id, status.last_error));
  }
}

void print(Invocation& invocation, const Situation& now) {
  Console& console = invocation.console();
  if (console.json()) {
    console.document(render_status_json(now.runs, now.gates, now.archives));
    return;
  }
  if (now.runs.empty()) {
    console.line("there are no runs");
    return;
  }
  print_runs(console, now);
  for (std::size_t i = 0; i < now.runs.size(); ++i) {
    const RunView& run = now.runs[i];
    if (invocation.arguments().word(0)) {
      console.line("");
      print_steps(console, run);
      print_signals(console, run);
    } else {
      print_failures(console, run);
    }
    for (const std::string& line : describe_gate(run, now.gates[i])) console.line(line);
    for (const ArchiveView& archive : now.archives[i].value_or(std::vector<ArchiveView>{})) {
      console.line(describe(archive));
    }
    const std::string next = next_command(run.record.run, run.plan, run.state);
    if (!next.empty()) console.line(fmt::format("next: {}", next));
  }
}

bool is_at_rest(const RunView& run) { return run.state.state != RunPhaseState::kRunning; }

// The outcome of the runs as an exit code: the worst that one of them has.
ExitCode outcome_of(const std::vector<RunView>& runs, bool detailed) {
  const auto any = [&](RunPhaseState state) {
    return std::any_of(runs.begin(), runs.end(), [&](const RunView& run) { return run.state.state == state; });
  };
  if (any(RunPhaseState::kFailed)) return ExitCode::kStepFailed;
  if (any(RunPhaseState::kPaused)) return ExitCode::kTemporary;
  return detailed && any(RunPhaseState::kWaiting) ? ExitCode::kAtGate : ExitCode::kDone;
}

// Prints what has changed, again and again, until nothing is under way any more or nobody reads it.
ExitCode watch(Invocation& invocation) {
  SystemClock clock;
  const auto interval = invocation.arguments().duration("interval").value_or(kUsualInterval);
  std::string printed;
  for (;;) {
    const Situation now = look(invocation);
    const std::string shown = render_status_json(now.runs, now.gates, now.archives);
    if (shown != printed) {
      print(invocation, now);
      invocation.console().finish();
    }
    printed = shown;
    const bool over =
        std::all_of(now.runs.begin(), now.runs.end(), [](const RunView& run) { return is_over(run.state); });
    if (over || !Console::is_read()) return outcome_of(now.runs, invocation.arguments().has("detailed-exitcode"));
    if (!clock.sleep(interval)) stop_point("the watch");
  }
}

ExitCode wait(Invocation& invocation) {
  SystemClock clock;
  const auto interval = invocation.arguments().duration("interval").value_or(kUsualInterval);
  const auto timeout = invocation.arguments().duration("timeout");
  const auto begun = clock.monotonic();
  for (;;) {
    const Situation now = look(invocation);
    if (std::all_of(now.runs.begin(), now.runs.end(), is_at_rest)) {
      print(invocation, now);
      return outcome_of(now.runs, invocation.arguments().has("detailed-exitcode"));
    }
    const auto left = timeout ? *timeout - (clock.monotonic() - begun) : std::chrono::steady_clock::duration(interval);
    if (left <= std::chrono::steady_clock::duration::zero()) {
      print(invocation, now);
      invocation.console().note("the time is up, and a run is still under way");
      return ExitCode::kTemporary;
    }
    const auto pause = std::min<std::chrono::steady_clock::duration>(interval, left);
    if (!clock.sleep(std::chrono::duration_cast<std::chrono::milliseconds>(pause) + std::chrono::milliseconds(1))) {
      stop_point("the wait");
    }
  }
}

ExitCode run_status(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  if (arguments.has("watch") && arguments.has("wait")) {
    throw Error(errors::kUsage, "both --watch and --wait are given", "Choose one: --wait prints once, at the end.");
  }
  if (arguments.has("timeout") && !arguments.has("wait")) {
    throw Error(errors::kUsage, "--timeout stands without --wait", "Add --wait, or leave it out.");
  }
  if (arguments.has("interval") && !arguments.has("wait") && !arguments.has("watch")) {
    throw Error(errors::kUsage, "--interval stands without --watch or --wait", "Add one of them, or leave it out.");
  }
  if (arguments.has("watch")) return watch(invocation);
  if (arguments.has("wait")) return wait(invocation);
  const Situation now = look(invocation);
  print(invocation, now);
  return arguments.has("detailed-exitcode") ? outcome_of(now.runs, true) : ExitCode::kDone;
}

}  // namespace

Command status_command() {
  return {"status",
          "tell where the runs stand, what they wait for, and what to type next",
          "[RUN]",
          0,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {{"watch", 0, "", "print again whenever something has changed, until every run is over"},
           {"wait", 0, "", "wait until no run is under way, print once, and exit by the outcome"},
           {"timeout", 0, "TIME", "how long --wait waits: 90s, 30m; then it exits with 75"},
           {"interval", 0, "TIME", "how often --watch and --wait look (default 2s)"},
           {"detailed-exitcode", 0, "", "exit by the outcome; with 6 when a run stands at a gate"}},
          run_status,
          {"falsework status", "falsework status users", "falsework status --json | jq '.runs[].waiting_for'",
           "falsework status users --wait --timeout 30m --detailed-exitcode"},
          "It reads the ledger, so it works while a run is under way and while the database is not reachable. With a "
          "database (-d or DATABASE_URL) it also looks at the conditions of each gate at which a run stands, and keeps "
          "there what it saw of the old shape, and lists the archives that runs keep. By outcome: 7 when a run has "
          "failed, 75 when one is paused, else 0.",
          "the ledger; the database for the conditions of gates, and for archives"};
}

}  // namespace falsework::cli
