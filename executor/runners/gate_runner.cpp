#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "executor/gates/look.h"
#include "executor/gates/releases.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"
#include "state/postgres/facts.h"

namespace falsework {

namespace {

bool is_promotion(GateCondition::Kind kind) {
  return kind == GateCondition::Kind::kRelease || kind == GateCondition::Kind::kAdvance;
}

// What was so when it opened, for the record.
std::string account_of(const GateView& view) {
  std::vector<std::string> parts;
  for (const ConditionView& each : view.conditions) {
    const bool plain = each.met && is_promotion(each.kind);
    parts.push_back(plain ? each.condition : fmt::format("{} ({})", each.condition, each.value));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

GateVerdict judge_gate(RunContext& context, const Step& step, const AdvanceRequest& request) {
  const std::optional<RunRecord> record = context.ledger.find_run(context.run);
  const GateView view = look_at_gate(*context.session, {context.run, context.plan, step,
                                                        record ? record->created_by : "", request.open_advance_gates});
  GateVerdict verdict;
  verdict.account = account_of(view);
  verdict.unmet = view.unmet();
  verdict.described = view.described();
  const bool named =
      !request.override_gate.empty() && (request.override_gate == step.gate->name || request.override_gate == step.id);
  verdict.overridden = named && !view.holds() && request.open_gates;
  verdict.opens = request.open_gates && (view.holds() || verdict.overridden);
  if (!verdict.opens && view.holds()) verdict.unmet = verdict.described = {"advance"};
  return verdict;
}

void open_gate(RunContext& context, const Step& step, const GateVerdict& verdict, const std::string& reason) {
  failpoint("gate.begin");
  record_alone(context, context.next_row(step, JournalState::kDone), [&](Journal& journal) {
    for (const GateCondition& condition : step.gate->conditions) {
      journal.open_gate(context.run, {step.id, render_condition(condition), context.actor, {}});
    }
    if (!verdict.overridden) return;
    Facts(*context.session)
        .add({context.run, step.id, "override", reason, context.plan.digest,
              fmt::format("{}", fmt::join(verdict.described, "; ")), context.actor});
  });
  failpoint("gate.committed");
}

void record_releases(RunContext& context, const AdvanceRequest& request) {
  Facts facts(*context.session);
  for (const std::string& release : request.releases) {
    facts.add(release_is_out(release, context.actor));
  }
}

}  // namespace falsework
