#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/shell.h"
#include "base/suggest.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/cli/report.h"

namespace falsework::cli {

namespace {

const Step& find_step(const Plan& plan, const std::string& file, const std::string& id) {
  if (const Step* step = plan.step(id)) return *step;
  std::vector<std::string> known;
  for (const Step& step : plan.steps) known.push_back(step.id);
  const std::optional<std::string> near = nearest(id, known);
  throw Error(errors::kStepUnknown, fmt::format("the plan {} has no step {}", plan.name, id),
              near ? fmt::format("Did you mean \"{}\"?", *near)
                   : fmt::format("List its steps with: falsework explain {}.", shell_word(file)));
}

ExitCode run_explain(Invocation& invocation) {
  const std::string file = *invocation.arguments().word(0);
  const Plan plan = load_plan(file).plan;
  Console& console = invocation.console();
  const auto word = invocation.arguments().word(1);
  if (!word) {
    if (console.json()) {
      console.document(render_steps_json(plan));
    } else {
      console.line(list_steps(plan));
    }
    return ExitCode::kDone;
  }
  const Step& step = find_step(plan, file, *word);
  if (console.json()) {
    console.document(render_step_json(plan, step));
  } else {
    console.line(describe_step(plan, step));
  }
  return ExitCode::kDone;
}

}  // namespace

Command explain_command() {
  return {
      "explain",
      "tell what a step does, why, under which locks, and how it is undone",
      "PLAN [STEP]",
      1,
      2,
      {Needs::kNothing},
      {},
      run_explain,
      {"falsework explain users.plan.json", "falsework explain users.plan.json users.email_address/dual_write/trigger"},
      "Without STEP the steps of the plan are listed."};
}

}  // namespace falsework::cli
