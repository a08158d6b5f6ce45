#include "executor/schedule.h"

#include <doctest/doctest.h>

#include "base/error_kinds.h"
#include "tests/executor/site.h"

namespace falsework {

namespace {

std::vector<std::string> ids(const std::vector<const Step*>& steps) {
  std::vector<std::string> result;
  for (const Step* step : steps) result.push_back(step->id);
  return result;
}

// column, copy | gate, swap; beside it another subject.
Plan plan() {
  Step copy = test::items_copy();
  copy.needs = {"items/expand/column"};
  Step other = test::statement("other/expand/column", {"SELECT 1"}, {"SELECT 2"});
  other.needs = {};
  Step gate = test::gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"});
  gate.needs = {"items/backfill/copy"};
  Step swap = test::statement("items/switch/swap", {"SELECT 1"}, {"SELECT 2"});
  swap.needs = {"items/switch/gate"};
  Plan plan;
  plan.steps = {test::statement("items/expand/column", {"SELECT 1"}, {"SELECT 2"}), other, copy, gate, swap};
  return plan;
}

RunState state_with(const std::map<std::string, StepState>& states) {
  RunState state;
  for (const auto& [id, step_state] : states) state.steps[id].state = step_state;
  return state;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_SUITE_BEGIN("executor/schedule");

TEST_CASE("what is done is not run again, and the rest keeps the plan's order") {
  const RunState state = state_with({{"items/expand/column", StepState::kDone}});
  CHECK(ids(steps_to_run(plan(), state, Target{})) ==
        Ids{"other/expand/column", "items/backfill/copy", "items/switch/gate", "items/switch/swap"});
}

TEST_CASE("failed, undone and running steps are run again") {
  const RunState state = state_with({{"items/expand/column", StepState::kFailed},
                                     {"other/expand/column", StepState::kUndone},
                                     {"items/backfill/copy", StepState::kRunning}});
  CHECK(ids(steps_to_run(plan(), state, Target{})).size() == 5);
}

TEST_CASE("an open gate is behind us") {
  RunState state = state_with({{"items/expand/column", StepState::kDone},
                               {"other/expand/column", StepState::kDone},
                               {"items/backfill/copy", StepState::kDone}});
  state.open_gates = {"items/switch/gate"};
  CHECK(ids(steps_to_run(plan(), state, Target{})) == Ids{"items/switch/swap"});
}

TEST_CASE("a phase as target leaves out later phases") {
  const Target target{Target::Kind::kPhase, Phase::kExpand, {}};
  CHECK(ids(steps_to_run(plan(), RunState{}, target)) == Ids{"items/expand/column", "other/expand/column"});
}

TEST_CASE("a step as target brings what it needs, and nothing else") {
  const Target target{Target::Kind::kStep, Phase::kContract, "items/backfill/copy"};
  CHECK(ids(steps_to_run(plan(), RunState{}, target)) == Ids{"items/expand/column", "items/backfill/copy"});
}

TEST_CASE("an unknown step as target is refused by name") {
  const Error error = test::error_of([] {
    steps_to_run(plan(), RunState{}, Target{Target::Kind::kStep, Phase::kContract, "items/expand/nothing"});
  });
  CHECK(error.code() == errors::kStepUnknown.code);
  CHECK(std::string(error.what()).find("items/expand/nothing") != std::string::npos);
}

TEST_CASE("undoing goes backwards, through gates") {
  RunState state = state_with({{"items/expand/column", StepState::kDone},
                               {"other/expand/column", StepState::kDone},
                               {"items/backfill/copy", StepState::kDone},
                               {"items/switch/gate", StepState::kDone}});
  state.open_gates = {"items/switch/gate"};
  CHECK(ids(steps_to_undo(plan(), state, RollbackRequest{})) ==
        Ids{"items/switch/gate", "items/backfill/copy", "other/expand/column", "items/expand/column"});
}

TEST_CASE("a copy that stopped half way is undone, a transaction that failed left nothing to undo") {
  const RunState state = state_with({{"items/expand/column", StepState::kDone},
                                     {"other/expand/column", StepState::kFailed},
                                     {"items/backfill/copy", StepState::kFailed}});
  CHECK(ids(steps_to_undo(plan(), state, RollbackRequest{})) == Ids{"items/backfill/copy", "items/expand/column"});
}

TEST_CASE("the phase that a rollback names stays done") {
  const RunState state =
      state_with({{"items/expand/column", StepState::kDone}, {"items/backfill/copy", StepState::kDone}});
  CHECK(ids(steps_to_undo(plan(), state, RollbackRequest{Phase::kExpand, {}})) == Ids{"items/backfill/copy"});
}

TEST_CASE("undoing a step undoes what needs it and what must go with it") {
  Plan with = plan();
  with.steps[2].undo_with = {"other/expand/column"};
  const RunState state = state_with({{"items/expand/column", StepState::kDone},
                                     {"other/expand/column", StepState::kDone},
                                     {"items/backfill/copy", StepState::kDone},
                                     {"items/switch/gate", StepState::kDone}});
  CHECK(ids(steps_to_undo(with, state, RollbackRequest{{}, "items/backfill/copy"})) ==
        Ids{"items/switch/gate", "items/backfill/copy", "other/expand/column"});
}

TEST_CASE("a gate says which conditions it misses") {
  const Gate gate{"switch", {{GateCondition::Kind::kRelease, "2026.12"}, {GateCondition::Kind::kAdvance, ""}}};
  AdvanceRequest request;
  CHECK(missing(gate, request) == Ids{"release 2026.12", "advance"});
  request.releases = {"2026.12"};
  CHECK(missing(gate, request) == Ids{"advance"});
  request.open_advance_gates = true;
  CHECK(missing(gate, request).empty());
}

TEST_SUITE_END();

}  // namespace falsework
