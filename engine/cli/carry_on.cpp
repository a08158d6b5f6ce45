#include "engine/cli/carry_on.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "engine/cli/confirm.h"
#include "engine/cli/preflight_report.h"
#include "engine/cli/terminal.h"

namespace falsework::cli {

namespace {

void check_confirmations(const Invocation& invocation, const std::vector<Task>& tasks) {
  for (const std::string& name : invocation.arguments().values("confirm")) {
    const bool known =
        std::any_of(tasks.begin(), tasks.end(), [&](const Task& task) { return task.intention.name == name; });
    if (known) continue;
    throw Error(errors::kUsage, fmt::format("--confirm {} names no migration that is carried on here", name),
                tasks.size() == 1 ? fmt::format("The migration is {}.", tasks.front().intention.name)
                                  : "See the names with: falsework status.");
  }
}

// Looks before it asks, so that whoever is asked knows; where nobody can be asked and nothing is agreed to, that is
// said first.
std::optional<Preflight> look_and_tell(Invocation& invocation, const Task& task) {
  if (!invocation.arguments().has("yes") && !Console::can_ask()) return std::nullopt;
  std::optional<Preflight> seen = look_before(invocation, task);
  if (!seen) return seen;
  if (const std::string text = describe(*seen, false); !text.empty()) invocation.console().note(text);
  require_go(*seen);
  return seen;
}

// What a dry run can say of the database; without one it says what the ledger and the plan know.
void look_without_obligation(Invocation& invocation, const Task& task, Intention& intention) {
  try {
    intention.preflight = look_before(invocation, task);
  } catch (const Error& error) {
    if (error.code() == errors::kUsage.code) throw;
    invocation.console().note(fmt::format("the database was not looked at: {}", error.what()));
  }
}

Result carry_out(Invocation& invocation, const Task& task) {
  const std::optional<Preflight> seen = look_and_tell(invocation, task);
  // A run that is over has nothing that a person could agree to.
  const bool nothing = is_over(task.run.state) && task.intention.steps.empty();
  const bool confirmed = !nothing && confirm(invocation, task.intention, task.irreversible);
  const SystemClock clock;
  SystemClock waiting;
  Terminal terminal(invocation.console(), clock, invocation.arguments().has("quiet"));
  const Workplace place{invocation.ledger(), waiting, terminal, invocation.executor_options(),
                        [&](const std::string& run) { terminal.set_run(run); }};
  const RunReport report = task.work(place, confirmed);
  return {{report.record, report.plan, report.state}, report.outcome, std::nullopt, seen};
}

bool is_elsewhere(const Error& error) { return error.code() == errors::kDatabaseForeign.code; }

}  // namespace

std::vector<Option> carrying_options() {
  std::vector<Option> options{
      {"yes", 'y', "", "do not ask; needed where there is no terminal"},
      {"confirm", 0, "MIGRATION", "let steps of this migration run that cannot be undone", true},
      {"dry-run", 0, "", "show what would be done, and do nothing"},
      {"detailed-exitcode", 0, "", "exit with 6 when a run stops at a gate"},
  };
  for (const Option& option : lock_options()) options.push_back(option);
  return options;
}

ExitCode carry_on(Invocation& invocation, const std::vector<Task>& tasks) {
  check_confirmations(invocation, tasks);
  if (invocation.arguments().has("dry-run")) {
    std::vector<Intention> intentions;
    for (const Task& task : tasks) {
      intentions.push_back(task.intention);
      look_without_obligation(invocation, task, intentions.back());
    }
    if (invocation.console().json()) {
      invocation.console().document(render_intentions_json(intentions));
    } else {
      for (const Intention& intention : intentions) invocation.console().line(describe_intention(intention));
    }
    return ExitCode::kDone;
  }
  std::vector<Result> results;
  std::size_t elsewhere = 0;
  for (const Task& task : tasks) {
    try {
      results.push_back(carry_out(invocation, task));
    } catch (const Error& error) {
      if (tasks.size() == 1 || stop_requested() || error.exit() == ExitCode::kInput) throw;
      if (is_elsewhere(error) && ++elsewhere < tasks.size()) {
        invocation.console().note(fmt::format("run {} is passed over: {}", task.run.record.run, error.what()));
        continue;
      }
      results.push_back({find_run(invocation.ledger(), task.run.record.run), std::nullopt, error, std::nullopt});
    }
  }
  print_results(invocation.console(), results);
  return settle_results(results, invocation.arguments().has("detailed-exitcode"));
}

}  // namespace falsework::cli
