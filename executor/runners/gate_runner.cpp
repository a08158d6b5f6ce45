#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"
#include "executor/schedule.h"

namespace falsework {

namespace {

// A condition that was met once stays met until the gate is undone.
bool is_recorded(const std::vector<JournalGate>& recorded, const Step& step, const std::string& condition) {
  return std::any_of(recorded.begin(), recorded.end(),
                     [&](const JournalGate& gate) { return gate.step == step.id && gate.condition == condition; });
}

}  // namespace

std::vector<std::string> run_gate(RunContext& context, const Step& step, const AdvanceRequest& request) {
  std::vector<std::string> closed = missing(*step.gate, request);
  const std::vector<JournalGate> recorded = Journal(*context.session).gates(context.run);
  std::vector<std::string> met_now;
  for (const GateCondition& condition : step.gate->conditions) {
    const std::string text = render_condition(condition);
    if (is_recorded(recorded, step, text)) {
      std::erase(closed, text);
    } else if (std::find(closed.begin(), closed.end(), text) == closed.end()) {
      met_now.push_back(text);
    }
  }
  if (!closed.empty() && met_now.empty()) return closed;
  failpoint("gate.begin");
  const JournalState state = closed.empty() ? JournalState::kDone : JournalState::kIntent;
  record_alone(context, context.next_row(step, state), [&](Journal& journal) {
    for (const std::string& condition : met_now) {
      journal.open_gate(context.run, {step.id, condition, context.actor, render_time(context.clock.now())});
    }
  });
  failpoint("gate.committed");
  return closed;
}

}  // namespace falsework
