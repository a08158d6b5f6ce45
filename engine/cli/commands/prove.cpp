#include <algorithm>

#include "base/error_kinds.h"
#include "engine/cli/carry_on.h"
#include "engine/cli/command.h"

namespace falsework::cli {

namespace {

std::vector<const Step*> proofs_of(const RunView& run, const std::optional<std::string>& wanted) {
  std::vector<const Step*> failed = failed_proofs(run.plan, run.state);
  if (wanted) std::erase_if(failed, [&](const Step* step) { return step->id != *wanted; });
  return failed;
}

ExitCode run_prove(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  const std::string reason = arguments.value("reason").value_or("");
  if (reason.empty()) {
    throw Error(errors::kUsage, "a failed proof is cleared with a reason, and --reason is not given",
                "Say what was found and done about it, as in: --reason 'rows 17 and 18 were corrected by hand'.");
  }
  const std::optional<std::string> step = arguments.value("step");
  const RunView run = find_run(invocation.ledger(), *arguments.word(0));
  Task task;
  task.run = run;
  task.intention = {run.record.run, run.record.name, proofs_of(run, step), nullptr, false};
  task.work = [&](const Workplace& place, bool) { return prove_run(run.record, step, reason, place); };
  return carry_on(invocation, {task});
}

}  // namespace

Command prove_command() {
  std::vector<Option> options{
      {"reason", 0, "TEXT", "what was found and done; needed, and kept in the history"},
      {"step", 0, "STEP", "the failed proof; every failed proof of the run without it"},
  };
  for (const Option& option : carrying_options()) options.push_back(option);
  return {
      "prove",
      "clear a failed proof and run it again",
      "RUN",
      1,
      1,
      {Needs::kDatabase, Needs::kLedger},
      options,
      run_prove,
      {"falsework prove users-1f0c2ab4 --reason 'rows 17 and 18 were corrected by hand' --yes"},
      "A proof that failed stops the run until a person has looked. This says that they have: the proof runs again, "
      "and the run can be advanced when it passes. It is never taken as passed."};
}

}  // namespace falsework::cli
