#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "engine/cli/command.h"
#include "engine/cli/confirm.h"
#include "engine/cli/report.h"
#include "engine/cli/terminal.h"
#include "executor/adopt.h"

namespace falsework::cli {

namespace {

// Those that are meant, whoever keeps them.
std::vector<JournaledRun> chosen_runs(Invocation& invocation, const Ledger* ledger) {
  std::vector<JournaledRun> runs = journaled_runs(invocation.connection(), ledger);
  const auto word = invocation.arguments().word(0);
  if (!word) return runs;
  std::vector<JournaledRun> chosen;
  for (JournaledRun& run : runs) {
    if (run.entry.run == *word || run.entry.name == *word) chosen.push_back(std::move(run));
  }
  if (!chosen.empty()) return chosen;
  throw Error(errors::kRunUnknown, fmt::format("the journal of this database has no run {}", *word),
              "List its runs with: falsework adopt --dry-run.");
}

bool is_kept(const JournaledRun& run) { return run.standing == LedgerStanding::kKeeps; }

std::string list(const std::vector<JournaledRun>& runs) {
  std::vector<std::string> lines;
  for (const JournaledRun& run : runs) {
    if (!is_kept(run)) lines.push_back(describe_journaled(run));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

RunView view_of(const Ledger& ledger, const JournaledRun& run) {
  if (ledger.find_run(run.entry.run)) return find_run(ledger, run.entry.run);
  RunView view;
  view.record.run = run.entry.run;
  view.record.name = run.entry.name;
  view.plan = run.plan;
  view.state = fold(run.plan, {});
  return view;
}

Adopted adopt_one(Invocation& invocation, const JournaledRun& run) {
  SystemClock clock;
  Terminal terminal(invocation.console(), clock, true);
  const Workplace place{invocation.ledger(), clock, terminal, invocation.executor_options()};
  const bool adopted = adopt(run.entry.run, invocation.arguments().value("reason").value_or(""), place);
  return {find_run(invocation.ledger(), run.entry.run), adopted ? "adopted" : "kept", std::nullopt};
}

ExitCode adopt_all(Invocation& invocation, const std::vector<JournaledRun>& runs) {
  std::vector<Adopted> results;
  ExitCode code = ExitCode::kDone;
  for (const JournaledRun& run : runs) {
    try {
      results.push_back(adopt_one(invocation, run));
    } catch (const Error& error) {
      if (runs.size() == 1 || stop_requested() || error.exit() == ExitCode::kInput) throw;
      results.push_back({view_of(invocation.ledger(), run), "", error});
      if (code == ExitCode::kDone) code = error.exit();
    }
  }
  print_adopted(invocation.console(), results);
  return code;
}

ExitCode run_adopt(Invocation& invocation) {
  Console& console = invocation.console();
  const std::vector<JournaledRun> runs = chosen_runs(invocation, invocation.ledger_if_any());
  const std::string wanted = list(runs);
  if (invocation.arguments().has("dry-run")) {
    if (console.json()) {
      console.document(render_journaled_json(runs));
    } else {
      console.line(wanted.empty() ? "there is nothing to adopt: this ledger keeps every run" : wanted);
    }
    return ExitCode::kDone;
  }
  if (!wanted.empty()) {
    agree(invocation, fmt::format("{}\nThe ledger that kept a run before is refused from then on.", wanted));
  }
  return adopt_all(invocation, runs);
}

}  // namespace

Command adopt_command() {
  return {
      "adopt",
      "rebuild a lost ledger from the journal in the database, and go on where the old one stopped",
      "[RUN]",
      0,
      1,
      {Needs::kDatabase, Needs::kLedgerCreated},
      {{"reason", 0, "TEXT", "why, for the history of ledger and journal"},
       {"yes", 'y', "", "do not ask; needed where there is no terminal"},
       {"dry-run", 0, "", "show which runs would be adopted, and do nothing"},
       {"patience", 0, "TIME", "how long to wait for another process that holds a run (default 5s)"},
       {"take-over", 0, "", "end what an earlier engine left running, once the patience is over"},
       {"allow-superuser", 0, "", "run although the role is a superuser"}},
      run_adopt,
      {"falsework adopt --dry-run -d postgres://owner@db/shop", "falsework adopt --yes --reason 'the old host is gone'",
       "falsework adopt users-1f0c2ab4 --state new.db --yes --json"},
      "RUN is a run's id, or the name of its migration; without it, every run of the journal is adopted that this "
      "ledger does not keep. A run that another process holds is left alone. The ledger that kept a run before is "
      "refused from then on, should it be found again."};
}

}  // namespace falsework::cli
