#include "engine/runbook/gate_words.h"

#include <fmt/format.h>

#include "base/duration.h"
#include "base/shell.h"
#include "engine/runbook/words.h"
#include "plans/opening.h"

namespace falsework::runbook {

namespace {

// Whether a step that cannot be undone comes before the next gate.
bool opens_irreversible(const Plan& plan, const Step& gate) {
  for (auto i = static_cast<std::size_t>(number_of(plan, gate)); i < plan.steps.size(); ++i) {
    if (plan.steps[i].kind == StepKind::kGate) return false;
    if (plan.steps[i].irreversible) return true;
  }
  return false;
}

}  // namespace

Text describe(const GateCondition& condition) {
  switch (condition.kind) {
    case GateCondition::Kind::kRelease:
      return {plain("release "), code(condition.release), plain(" is out everywhere")};
    case GateCondition::Kind::kAdvance: return {plain("a person says so")};
    case GateCondition::Kind::kSoak:
      return {plain(render_duration(condition.period) +
                    " have passed since the steps before it were done and its release was out")};
    case GateCondition::Kind::kApproval:
      return {plain(condition.approvals == 1 ? "one person approves"
                                             : fmt::format("{} people approve", condition.approvals)),
              plain(condition.four_eyes ? ", neither the author nor who started the run" : "")};
    case GateCondition::Kind::kBackup:
      return {plain("a backup no older than " + render_duration(condition.period) + " was acknowledged")};
    case GateCondition::Kind::kNoOldWriter:
      return {plain("nothing has written the old shape for " + render_duration(condition.period))};
    case GateCondition::Kind::kNoOldStatement:
      return {plain("no statement that names the old shape was called for " + render_duration(condition.period))};
    case GateCondition::Kind::kNoOldSession: return {plain("no session is set to the old shape")};
    case GateCondition::Kind::kNoDependent: return {plain("nothing in the catalog names the old shape")};
    case GateCondition::Kind::kSql: return {plain("this answers true: "), code(condition.query)};
  }
  return {};
}

Text describe(const Gate& gate) {
  Text result;
  for (const GateCondition& condition : gate.conditions) {
    if (!result.empty()) append(result, {plain(", and ")});
    append(result, describe(condition));
  }
  return result;
}

std::string opening_command(const Plan& plan, const Step& gate) {
  std::string command = falsework::opening_command("RUN", *gate.gate);
  if (opens_irreversible(plan, gate)) command += " --confirm " + shell_word(plan.name);
  return command;
}

}  // namespace falsework::runbook
