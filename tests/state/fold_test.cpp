#include <doctest/doctest.h>

#include "base/error_kinds.h"
#include "state/run_state.h"

namespace falsework {

TEST_SUITE_BEGIN("state/fold");

namespace {

constexpr const char* kAdd = "users.email/expand/add";
constexpr const char* kCopy = "users.email/backfill/copy";
constexpr const char* kProof = "users.email/backfill/proof";
constexpr const char* kGate = "users.email/switch/gate";

Plan plan() {
  Plan plan;
  for (const char* id : {kAdd, kCopy, kProof, kGate}) {
    Step step;
    step.id = id;
    plan.steps.push_back(step);
  }
  return plan;
}

// Events of one run, numbered as they are added.
class History {
 public:
  History() { add(EventKind::kRunCreated); }

  History& add(EventKind kind, const std::string& step = {}, int generation = 0, const std::string& detail = {},
               std::int64_t rows = -1) {
    Event event;
    event.serial = static_cast<std::int64_t>(events_.size()) * 2 + 1;  // other runs have the serials between
    event.run = "users_email-1a2b3c4d";
    event.kind = kind;
    event.step = step;
    event.generation = generation;
    event.detail = detail;
    event.rows = rows;
    event.at = "t" + std::to_string(event.serial);
    events_.push_back(event);
    return *this;
  }
  RunState fold() const { return falsework::fold(plan(), events_); }

 private:
  std::vector<Event> events_;
};

}  // namespace

TEST_CASE("a run that has just been created has every step of its plan pending") {
  const RunState state = History().fold();
  CHECK(state.run == "users_email-1a2b3c4d");
  CHECK(state.state == RunPhaseState::kRunning);
  REQUIRE(state.steps.size() == 4);
  for (const auto& step : state.steps) {
    CAPTURE(step.first);
    CHECK(step.second.state == StepState::kPending);
    CHECK(step.second.attempts == 0);
  }
  CHECK(state.last_serial == 1);
}

TEST_CASE("no events at all leave a run that was never created") {
  const RunState state = fold(plan(), {});
  CHECK(state.run.empty());
  CHECK(state.state == RunPhaseState::kPaused);
  CHECK(state.steps.size() == 4);
}

TEST_CASE("a step is running from its intent on and done with its result") {
  History history;
  history.add(EventKind::kStepIntent, kAdd, 1);
  CHECK(history.fold().steps.at(kAdd).state == StepState::kRunning);
  CHECK(history.fold().steps.at(kAdd).started_at == "t3");
  CHECK(history.fold().steps.at(kAdd).ended_at.empty());

  history.add(EventKind::kStepDone, kAdd, 1, "", 5);
  const StepStatus step = history.fold().steps.at(kAdd);
  CHECK(step.state == StepState::kDone);
  CHECK(step.attempts == 1);
  CHECK(step.generation == 1);
  CHECK(step.rows == 5);
  CHECK(step.ended_at == "t5");
  CHECK(history.fold().state == RunPhaseState::kRunning);
}

TEST_CASE("a failed step fails its run until it is begun again") {
  History history;
  history.add(EventKind::kStepIntent, kAdd, 1).add(EventKind::kStepFailed, kAdd, 1, "column exists");
  CHECK(history.fold().state == RunPhaseState::kFailed);
  CHECK(history.fold().steps.at(kAdd).state == StepState::kFailed);
  CHECK(history.fold().steps.at(kAdd).last_error == "column exists");

  history.add(EventKind::kStepIntent, kAdd, 1);
  CHECK(history.fold().state == RunPhaseState::kRunning);
  CHECK(history.fold().steps.at(kAdd).state == StepState::kRunning);
  CHECK(history.fold().steps.at(kAdd).attempts == 2);
  CHECK(history.fold().steps.at(kAdd).last_error.empty());
}

TEST_CASE("a lock try that failed names the blockers and leaves the step running") {
  History history;
  history.add(EventKind::kStepIntent, kAdd, 1).add(EventKind::kStepBlocked, kAdd, 1, "pid 4711");
  CHECK(history.fold().steps.at(kAdd).state == StepState::kRunning);
  CHECK(history.fold().steps.at(kAdd).last_error == "pid 4711");
  history.add(EventKind::kStepDone, kAdd, 1);
  CHECK(history.fold().steps.at(kAdd).last_error.empty());
}

TEST_CASE("the progress of a copy is the last that was said") {
  Progress progress;
  progress.rows = 10;
  History history;
  history.add(EventKind::kStepIntent, kCopy, 1);
  history.add(EventKind::kStepProgress, kCopy, 1, render_progress(progress), 10);
  progress.rows = 20;
  history.add(EventKind::kStepProgress, kCopy, 1, render_progress(progress), 20);
  CHECK(history.fold().steps.at(kCopy).progress == progress);
  CHECK(history.fold().steps.at(kCopy).rows == 20);
}

TEST_CASE("an undone step has no rows and no progress left, and may be begun again") {
  Progress progress;
  progress.rows = 10;
  History history;
  history.add(EventKind::kStepIntent, kCopy, 1)
      .add(EventKind::kStepProgress, kCopy, 1, render_progress(progress), 10)
      .add(EventKind::kUndoIntent, kCopy, 2);
  CHECK(history.fold().steps.at(kCopy).undoing);
  CHECK(history.fold().steps.at(kCopy).progress == Progress{});

  history.add(EventKind::kUndoDone, kCopy, 2);
  const StepStatus undone = history.fold().steps.at(kCopy);
  CHECK(undone.state == StepState::kUndone);
  CHECK_FALSE(undone.undoing);
  CHECK(undone.rows == -1);
  CHECK(undone.generation == 2);

  history.add(EventKind::kStepIntent, kCopy, 3);
  CHECK(history.fold().steps.at(kCopy).state == StepState::kRunning);
  CHECK(history.fold().steps.at(kCopy).generation == 3);
}

TEST_CASE("an undo that failed is still an undo") {
  History history;
  history.add(EventKind::kUndoIntent, kAdd, 2).add(EventKind::kUndoFailed, kAdd, 2, "locked");
  CHECK(history.fold().steps.at(kAdd).state == StepState::kFailed);
  CHECK(history.fold().steps.at(kAdd).undoing);
  CHECK(history.fold().state == RunPhaseState::kFailed);
}

TEST_CASE("an opened gate is done and listed, and closes when it is undone") {
  History history;
  history.add(EventKind::kRunWaiting, kGate);
  CHECK(history.fold().state == RunPhaseState::kWaiting);
  CHECK(history.fold().steps.at(kGate).state == StepState::kPending);

  history.add(EventKind::kGateOpened, kGate, 1, "release 2026.12");
  CHECK(history.fold().state == RunPhaseState::kRunning);
  CHECK(history.fold().steps.at(kGate).state == StepState::kDone);
  CHECK(history.fold().open_gates == std::set<std::string>{kGate});

  history.add(EventKind::kUndoDone, kGate, 2);
  CHECK(history.fold().open_gates.empty());
  CHECK(history.fold().steps.at(kGate).state == StepState::kUndone);
}

TEST_CASE("a failed proof stands whatever is tried until a person clears it") {
  History history;
  history.add(EventKind::kStepIntent, kProof, 1).add(EventKind::kProofFailed, kProof, 1, "3 rows disagree");
  CHECK(history.fold().state == RunPhaseState::kFailed);
  CHECK(history.fold().steps.at(kProof).proof_failed);

  history.add(EventKind::kStepIntent, kProof, 1).add(EventKind::kStepDone, kProof, 1);
  CHECK(history.fold().steps.at(kProof).state == StepState::kFailed);
  CHECK(history.fold().steps.at(kProof).proof_failed);

  history.add(EventKind::kProofCleared, kProof, 1, "ann: the rows were repaired");
  CHECK_FALSE(history.fold().steps.at(kProof).proof_failed);
  CHECK(history.fold().steps.at(kProof).state == StepState::kPending);
  CHECK(history.fold().state == RunPhaseState::kPaused);

  history.add(EventKind::kStepIntent, kProof, 1).add(EventKind::kStepDone, kProof, 1);
  CHECK(history.fold().steps.at(kProof).state == StepState::kDone);
}

TEST_CASE("an undo takes a failed proof away together with the rows that it spoke of") {
  History history;
  history.add(EventKind::kProofFailed, kProof, 1).add(EventKind::kUndoIntent, kProof, 2);
  CHECK(history.fold().steps.at(kProof).state == StepState::kRunning);
  history.add(EventKind::kUndoDone, kProof, 2);
  CHECK_FALSE(history.fold().steps.at(kProof).proof_failed);
  CHECK(history.fold().steps.at(kProof).state == StepState::kUndone);
}

TEST_CASE("a run ends done, rolled back or paused as its last event says") {
  struct Case {
    EventKind last;
    RunPhaseState state;
    const char* name;
  };
  for (const Case& c : {Case{EventKind::kRunDone, RunPhaseState::kDone, "done"},
                        Case{EventKind::kRunReopened, RunPhaseState::kRunning, "running"},
                        Case{EventKind::kRunRolledBack, RunPhaseState::kRolledBack, "rolled_back"},
                        Case{EventKind::kRunPaused, RunPhaseState::kPaused, "paused"},
                        Case{EventKind::kRunWaiting, RunPhaseState::kWaiting, "waiting"}}) {
    CAPTURE(c.name);
    const RunState state = History().add(EventKind::kStepIntent, kAdd, 1).add(c.last).fold();
    CHECK(state.state == c.state);
    CHECK(name(state.state) == c.name);
  }
}

TEST_CASE("a pause that holds a copy lasts through its progress, until it is resumed or the run is stopped") {
  History history;
  history.add(EventKind::kStepIntent, kAdd, 1).add(EventKind::kRunPaused, kAdd, 1, "by ann");
  CHECK(history.fold().state == RunPhaseState::kPaused);
  CHECK(history.fold().held_by_pause);
  history.add(EventKind::kStepProgress, kAdd, 1, render_progress(Progress{}));
  CHECK(history.fold().state == RunPhaseState::kPaused);
  CHECK(history.fold().held_by_pause);
  const RunState stopped = History(history).add(EventKind::kRunPaused).fold();
  CHECK_FALSE(stopped.held_by_pause);
  history.add(EventKind::kRunResumed, kAdd, 1);
  CHECK(history.fold().state == RunPhaseState::kRunning);
  CHECK_FALSE(history.fold().held_by_pause);
}

TEST_CASE("the note that a ledger was repaired changes nothing by itself") {
  History history;
  history.add(EventKind::kStepIntent, kAdd, 1).add(EventKind::kRunPaused);
  const RunState before = history.fold();
  const RunState after = history.add(EventKind::kLedgerRepaired, "", 0, "the journal was ahead").fold();
  CHECK(after.state == before.state);
  CHECK(after.steps.at(kAdd).state == StepState::kRunning);
  CHECK(after.last_serial > before.last_serial);
}

TEST_CASE("an event of a step that the plan does not have makes the ledger unusable") {
  try {
    History().add(EventKind::kStepDone, "orders.id/expand/add", 1).fold();
    FAIL("it was folded");
  } catch (const Error& error) {
    CHECK(error.code() == errors::kLedgerUnusable.code);
    CHECK(std::string(error.what()) ==
          "event 3 of run users_email-1a2b3c4d names step orders.id/expand/add, which its plan does not have");
    CHECK(error.hint() == "Move it away, then rebuild it from the journal in the database with: falsework adopt.");
  }
}

TEST_SUITE_END();

}  // namespace falsework
