#include <fmt/format.h>

#include "engine/cli/command.h"
#include "engine/cli/copy_report.h"
#include "engine/cli/invocation.h"
#include "engine/copy_control.h"

namespace falsework::cli {

namespace {

ExitCode set_paused(Invocation& invocation, bool paused) {
  const auto word = invocation.arguments().word(0);
  const RunView run = word ? find_run(invocation.ledger(), *word) : only_active_run(invocation.ledger());
  const std::string& id = run.record.run;
  const bool changed =
      set_copy_paused(run.record, invocation.connection(), paused, invocation.executor_options().actor);
  Console& console = invocation.console();
  if (console.json()) {
    console.document(control_json(id, copy_control(run.record, invocation.connection())));
    return ExitCode::kDone;
  }
  if (!changed) {
    console.line(fmt::format("the copy of run {} was {} already", id, paused ? "paused" : "not paused"));
  } else if (paused) {
    console.line(fmt::format("the copy of run {} is paused\nnext: falsework resume {}", id, id));
  } else {
    console.line(fmt::format("the copy of run {} goes on wherever an engine holds the run", id));
  }
  return ExitCode::kDone;
}

ExitCode run_pause(Invocation& invocation) { return set_paused(invocation, true); }
ExitCode run_resume(Invocation& invocation) { return set_paused(invocation, false); }

}  // namespace

Command pause_command() {
  return {"pause",
          "hold the copy of a run, from any terminal, within one batch",
          "[RUN]",
          0,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {},
          run_pause,
          {"falsework pause users-1f0c2ab4"},
          "The engine that copies stays, holds nothing locked, and says in its progress who paused it. The pause is "
          "kept in the database: another engine that takes the run up holds at its copy too, until `resume`. Steps "
          "that are no copies go on. Without RUN the only run under way is meant."};
}

Command resume_command() {
  return {"resume",
          "let the copy of a run go on that `pause` holds",
          "[RUN]",
          0,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {},
          run_resume,
          {"falsework resume users-1f0c2ab4"},
          "It starts no engine: a run that nobody holds is carried on with `falsework advance`. Without RUN the only "
          "run under way is meant."};
}

}  // namespace falsework::cli
