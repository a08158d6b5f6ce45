#include "executor/reconcile.h"

#include <doctest/doctest.h>

#include <optional>

#include "tests/executor/site.h"

namespace falsework {

namespace {

constexpr const char* kId = "items/expand/column";

Plan plan() {
  Plan plan;
  plan.steps = {test::statement(kId, {"SELECT 1"}, {"SELECT 2"})};
  return plan;
}

std::map<std::string, JournalStep> journal(std::optional<JournalState> state) {
  if (!state) return {};
  JournalStep row;
  row.step = kId;
  row.state = *state;
  return {{kId, row}};
}

}  // namespace

TEST_SUITE_BEGIN("executor/reconcile");

TEST_CASE("the journal wins where the ledger lags, and a ledger that is ahead stops") {
  struct Case {
    const char* given;
    std::optional<JournalState> journal;
    StepState ledger;
    bool undoing;
    std::optional<EventKind> repair;
    bool ahead;
  };
  const Case cases[] = {
      {"nothing happened", {}, StepState::kPending, false, {}, false},
      {"intent only", {}, StepState::kRunning, false, {}, false},
      {"both done", JournalState::kDone, StepState::kDone, false, {}, false},
      {"answer lost", JournalState::kDone, StepState::kRunning, false, EventKind::kStepDone, false},
      {"ledger lost", JournalState::kDone, StepState::kPending, false, EventKind::kStepDone, false},
      {"failure told, commit happened", JournalState::kDone, StepState::kFailed, false, EventKind::kStepDone, false},
      {"undo begun, not committed", JournalState::kDone, StepState::kRunning, true, EventKind::kStepDone, false},
      {"undo committed, answer lost", JournalState::kUndone, StepState::kRunning, true, EventKind::kUndoDone, false},
      {"both undone", JournalState::kUndone, StepState::kUndone, false, {}, false},
      {"undone, then begun again", JournalState::kUndone, StepState::kRunning, false, {}, false},
      {"undo under way", JournalState::kUndoIntent, StepState::kDone, false, EventKind::kUndoIntent, false},
      {"proof failed", JournalState::kProofFailed, StepState::kRunning, false, EventKind::kProofFailed, false},
      {"done is lost", {}, StepState::kDone, false, {}, true},
      {"done of a build is lost", JournalState::kIntent, StepState::kDone, false, {}, true},
      {"done again is lost", JournalState::kUndone, StepState::kDone, false, {}, true},
      {"the undo is lost", JournalState::kDone, StepState::kUndone, false, {}, true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.given);
    RunState ledger;
    ledger.steps[kId].state = c.ledger;
    ledger.steps[kId].undoing = c.undoing;
    const Reconciliation result = reconcile(plan(), ledger, journal(c.journal));
    CHECK(result.ahead.size() == (c.ahead ? 1 : 0));
    CHECK(result.repairs.size() == (c.repair ? 1 : 0));
    if (c.repair && !result.repairs.empty()) {
      CHECK(result.repairs.front().kind == *c.repair);
      CHECK(result.repairs.front().step == kId);
    }
  }
}

TEST_CASE("a failed proof that the journal does not know of stops, for a ledger that is ahead") {
  for (const auto& known : {std::optional<JournalState>(), std::optional(JournalState::kIntent)}) {
    RunState ledger;
    ledger.steps[kId].state = StepState::kFailed;
    ledger.steps[kId].proof_failed = true;
    const Reconciliation result = reconcile(plan(), ledger, journal(known));
    CHECK(result.ahead == std::vector<std::string>{kId});
    CHECK(result.repairs.empty());
  }
}

TEST_CASE("a gate that the journal holds open is told as opened, with its conditions") {
  Plan with_gate;
  with_gate.steps = {test::gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"})};
  JournalStep row;
  row.step = "items/switch/gate";
  row.state = JournalState::kDone;
  const Reconciliation result = reconcile(with_gate, RunState{}, {{row.step, row}});
  REQUIRE(result.repairs.size() == 1);
  CHECK(result.repairs.front() == Repair{EventKind::kGateOpened, row.step, "release 2026.12"});
}

TEST_SUITE_END();

}  // namespace falsework
