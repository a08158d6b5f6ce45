#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"
#include "executor/archives.h"
#include "executor/catch_up.h"
#include "executor/drift.h"
#include "executor/executor.h"
#include "executor/opening.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"
#include "executor/schedule.h"
#include "executor/step_error.h"
#include "plans/opening.h"

namespace falsework {

namespace {

constexpr int kLossesInARow = 5;

class LiveEngagement final : public Engagement {
 public:
  explicit LiveEngagement(std::unique_ptr<RunContext> context) : context_(std::move(context)) {}

  const std::string& run() const override { return context_->run; }
  const Plan& plan() const override { return context_->plan; }
  RunState state() const override { return state_of(*context_); }

  Outcome advance(const AdvanceRequest& request) override;
  Outcome rollback(const RollbackRequest& request) override;
  void clear_proof(const std::string& step, const std::string& reason) override;
  std::vector<std::string> drop_archives() override;

 private:
  // Runs `work` to its end, through lost connections; a stop and a temporary failure leave the run paused.
  Outcome guarded(const std::function<Outcome()>& work);

  Outcome advance_from_here(const AdvanceRequest& request);
  Outcome rollback_from_here(const RollbackRequest& request);
  bool pass_gate(const Step& step, AdvanceRequest& request);
  void require_confirmation_behind(const Step& gate, const AdvanceRequest& request);
  void run_step(const Step& step);
  void undo_step(const Step& step);
  void perform(const Step& step, bool undo, const std::function<std::int64_t()>& work);
  Outcome finish(EventKind kind, const std::string& state, Outcome outcome);
  void reopen();
  void seal();
  void pause(const std::string& why) { context_->tell(EventKind::kRunPaused, nullptr, why); }

  std::unique_ptr<RunContext> context_;
  int losses_ = 0;  // since a step was finished
};

// By the journal, which decides, or by the ledger: while that says so no step is done.
void require_proofs(const RunContext& context) {
  const RunState told = state_of(context);
  for (const Step& step : context.plan.steps) {
    const auto status = told.steps.find(step.id);
    const bool failed = status != told.steps.end() && status->second.proof_failed;
    if (!failed && !context.journal_says(step, JournalState::kProofFailed)) continue;
    throw Error(errors::kProofFailed,
                fmt::format("the proof of step {} has failed, and nobody has cleared it", step.id),
                fmt::format("Find out why old and new disagree, then run the proof again with: falsework prove {0} "
                            "--reason TEXT. Or go back with: falsework rollback {0}.",
                            context.run));
  }
}

void require_confirmation(const RunContext& context, const Step& step, const AdvanceRequest& request) {
  if (!step.irreversible || request.confirmed) return;
  throw Error(errors::kConfirmationMissing, fmt::format("step {} cannot be undone: {}", step.id, step.undo_note),
              fmt::format("Confirm it with: falsework advance {} --confirm {}.", context.run, context.plan.name));
}

bool asks_for_advance(const Step& gate) {
  const auto& conditions = gate.gate->conditions;
  return std::any_of(conditions.begin(), conditions.end(),
                     [](const GateCondition& condition) { return condition.kind == GateCondition::Kind::kAdvance; });
}

// What no runner knows of fails the step as any error does: no run is left without a word.
Error unexpected(const Step& step, const std::exception& error) {
  return {errors::kInternal, fmt::format("step {}: {}", step.id, error.what()),
          "This is a bug; please report it. The run is intact: falsework status shows where it stands."};
}

Outcome LiveEngagement::guarded(const std::function<Outcome()>& work) {
  for (;;) {
    try {
      ensure_fenced(*context_);
      // An earlier call may have ended in the middle of a step.
      context_->journal = Journal(*context_->session).steps(context_->run);
      return work();
    } catch (const Error& error) {
      if (!is_connection_loss(error, context_->session.get())) {
        const bool stopped = error.exit() == ExitCode::kInterrupted || error.exit() == ExitCode::kTerminated;
        if (stopped) pause(std::string(error.code()));
        throw;
      }
      if (++losses_ > kLossesInARow) throw;
      log_warning(fmt::format("run {}: {}", context_->run, error.what()));
    }
    context_->epoch = 0;
    reconnect(*context_);
  }
}

// The journal learns where the ledger ends now, so that a copy from before this command is an older one.
void LiveEngagement::seal() {
  try {
    Journal journal(*context_->session);
    pg::Transaction transaction(*context_->session);
    journal.hold_epoch(context_->run, context_->epoch, false);
    context_->mark_ledger(journal);
    transaction.commit();
  } catch (const Error& error) {
    // All that was to be done is done; the next engine marks it.
    log_debug(fmt::format("run {}: the end of its ledger was not marked: {}", context_->run, error.what()));
  }
}

// A run that was done is rolled back as a whole.
void require_whole(const RunContext& context, const RollbackRequest& request) {
  if (!request.to_phase && !request.step) return;
  throw Error(errors::kIrreversible, fmt::format("run {} is done: it can only be rolled back as a whole", context.run),
              fmt::format("Roll it back with: falsework rollback {}.", context.run));
}

Outcome LiveEngagement::advance(const AdvanceRequest& request) {
  if (!context_->finished.empty()) return Outcome::kNothingToDo;
  const Outcome outcome = guarded([&] { return advance_from_here(request); });
  seal();
  return outcome;
}

Outcome LiveEngagement::advance_from_here(const AdvanceRequest& given) {
  // It has ended since: by this engine, in a COMMIT that was not answered, or by another before this one held the run.
  if (context_->finished == "done") return Outcome::kDone;
  if (!context_->finished.empty()) return Outcome::kNothingToDo;
  AdvanceRequest request = given;
  require_proofs(*context_);
  record_releases(*context_, request);
  for (;;) {
    const auto steps = steps_to_run(context_->plan, state(), request.target);
    if (steps.empty()) break;
    const Step& step = *steps.front();
    stop_point(step.id.c_str());
    if (step.kind == StepKind::kGate) {
      if (!pass_gate(step, request)) return Outcome::kAtGate;
      request.refuse_closed = false;
      continue;
    }
    request.refuse_closed = false;
    require_confirmation(*context_, step, request);
    run_step(step);
  }
  if (steps_to_run(context_->plan, state(), Target{Target::Kind::kEnd, Phase::kContract, {}}).empty()) {
    return finish(EventKind::kRunDone, "done", Outcome::kDone);
  }
  pause("target reached");
  return Outcome::kTargetReached;
}

// Opens a gate whose conditions hold. A closed one ends the way, and is an error where something behind it was asked
// for by name.
bool LiveEngagement::pass_gate(const Step& step, AdvanceRequest& request) {
  // Clients are told to come, or to go, by what stands before the gate: it must still stand.
  require_no_drift(*context_->session, *context_);
  const GateVerdict verdict = judge_gate(*context_, step, request);
  if (verdict.opens) {
    require_confirmation_behind(step, request);
    open_gate(*context_, step, verdict, request.override_reason);
    context_->journal = Journal(*context_->session).steps(context_->run);
    if (verdict.overridden) {
      context_->tell(EventKind::kGateOverridden, &step,
                     fmt::format("{}; missing: {}", request.override_reason, fmt::join(verdict.described, "; ")));
    }
    context_->tell(EventKind::kGateOpened, &step, verdict.account);
    failpoint("gate.done");
    // An advance by a person opens one gate, unless the end was asked for.
    if (asks_for_advance(step) && request.target.kind != Target::Kind::kEnd) request.open_advance_gates = false;
    return true;
  }
  const std::string waiting = fmt::format("{}: {}", step.id, fmt::join(verdict.unmet, ", "));
  const RunState now = state();
  if (now.state != RunPhaseState::kWaiting || now.waiting != waiting) {
    context_->tell(EventKind::kRunWaiting, nullptr, waiting);
  }
  context_->observer.gate_closed(step);
  const bool named = request.target.kind == Target::Kind::kPhase || request.target.kind == Target::Kind::kStep;
  if (!named && !request.refuse_closed) return false;
  throw Error(errors::kGateClosed,
              fmt::format("the gate {} is closed: {}", step.id, fmt::join(verdict.described, ", ")),
              named ? fmt::format("Open it first, with: {}.", opening_command(context_->run, *step.gate))
                    : fmt::format("See each condition with: falsework status {} -d URL. Who must go on in spite of it: "
                                  "falsework advance {} --override {} --reason TEXT.",
                                  context_->run, context_->run, step.gate->name));
}

// So that without the confirmation the gate before stays closed, too.
void LiveEngagement::require_confirmation_behind(const Step& gate, const AdvanceRequest& request) {
  bool behind = false;
  for (const Step* step : steps_to_run(context_->plan, state(), request.target)) {
    if (behind && step->kind == StepKind::kGate) return;
    if (behind) require_confirmation(*context_, *step, request);
    behind = behind || step == &gate;
  }
}

void LiveEngagement::run_step(const Step& step) {
  perform(step, false, [&]() -> std::int64_t {
    switch (step.kind) {
      case StepKind::kStatement: return run_statement(*context_, step);
      case StepKind::kConcurrent: return run_concurrent(*context_, step);
      case StepKind::kBackfill: return run_backfill(*context_, step);
      case StepKind::kCheck: return run_check(*context_, step);
      case StepKind::kNote: return run_note(*context_, step);
      case StepKind::kGate: break;
    }
    FALSEWORK_CHECK(false);
  });
}

void LiveEngagement::undo_step(const Step& step) {
  perform(step, true, [&]() -> std::int64_t {
    // What the journal does not know was never begun: whatever stands under that name is somebody else's.
    const JournalStep row = context_->journal_step(step);
    if (!context_->journal.contains(step.id) || row.state == JournalState::kUndone) {
      record_alone(*context_, context_->next_row(step, JournalState::kUndone));
      return -1;
    }
    // Of a build that never finished only remains can be there: the probe knows.
    const bool by_probe = step.kind == StepKind::kConcurrent &&
                          (!step.undo_transaction || !context_->journal_says(step, JournalState::kDone));
    if (by_probe) {
      undo_concurrent(*context_, step);
    } else {
      undo_statement(*context_, step);
    }
    return -1;
  });
}

// Intent before, result after; the journal decides in between.
void LiveEngagement::perform(const Step& step, bool undo, const std::function<std::int64_t()>& work) {
  const auto begun = context_->clock.monotonic();
  context_->begun = begun;
  failpoint(undo ? "undo.intent.before" : "step.intent.before");
  context_->tell(undo ? EventKind::kUndoIntent : EventKind::kStepIntent, &step);
  failpoint(undo ? "undo.intent.after" : "step.intent.after");
  context_->observer.step_started(step, undo);
  Event done;
  try {
    done.rows = work();
  } catch (const Error& error) {
    settle_failure(*context_, step, undo, error);
  } catch (const std::exception& error) {
    settle_failure(*context_, step, undo, unexpected(step, error));
  }
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(context_->clock.monotonic() - begun);
  done.duration_ms = took.count();
  context_->journal = Journal(*context_->session).steps(context_->run);
  failpoint(undo ? "undo.done.before" : "step.done.before");
  context_->tell(undo ? EventKind::kUndoDone : EventKind::kStepDone, &step, {}, done);
  failpoint(undo ? "undo.done" : "step.done");
  context_->observer.step_finished(step, undo, took);
  losses_ = 0;
}

Outcome LiveEngagement::finish(EventKind kind, const std::string& journal_state, Outcome outcome) {
  Journal journal(*context_->session);
  pg::Transaction transaction(*context_->session);
  journal.hold_epoch(context_->run, context_->epoch, false);
  journal.finish_run(context_->run, journal_state);
  context_->mark_ledger(journal);
  failpoint("run.finish");
  transaction.commit();
  context_->finished = journal_state;
  failpoint("run.finished");
  std::string left;
  if (kind == EventKind::kRunRolledBack) {
    const auto drift = find_drift(*context_->session, context_->plan);
    if (!drift.empty()) left = fmt::format("differs from before: {}", fmt::join(drift, "; "));
  }
  context_->tell(kind, nullptr, left);
  return outcome;
}

// A run that was done and is taken back is in flight again before its first undo: its tables are its own, and whatever
// stops it on the way, it can go back or on.
void LiveEngagement::reopen() {
  Journal journal(*context_->session);
  pg::Transaction transaction(*context_->session);
  journal.hold_epoch(context_->run, context_->epoch, false);
  journal.reopen_run(context_->run);
  context_->mark_ledger(journal);
  failpoint("run.reopen");
  transaction.commit();
  failpoint("run.reopened");
  context_->finished.clear();
  context_->tell(EventKind::kRunReopened, nullptr);
}

Outcome LiveEngagement::rollback(const RollbackRequest& request) {
  if (context_->finished == "rolled_back") return Outcome::kNothingToDo;
  const Outcome outcome = guarded([&] { return rollback_from_here(request); });
  seal();
  return outcome;
}

Outcome LiveEngagement::rollback_from_here(const RollbackRequest& request) {
  // As in advance_from_here().
  if (context_->finished == "rolled_back") return Outcome::kRolledBack;
  const bool was_done = context_->finished == "done";
  if (was_done) require_whole(*context_, request);
  auto steps = steps_to_undo(context_->plan, state(), request);
  require_undoable(steps, context_->run, was_done);
  require_archives(*context_, steps);
  const bool everything = !request.to_phase && !request.step;
  if (steps.empty() && !everything) return Outcome::kNothingToDo;
  if (was_done && !steps.empty()) reopen();
  for (; !steps.empty(); steps = steps_to_undo(context_->plan, state(), request)) {
    stop_point(steps.front()->id.c_str());
    undo_step(*steps.front());
  }
  const bool all_undone = steps_to_undo(context_->plan, state(), RollbackRequest{}).empty();
  if (everything || all_undone) return finish(EventKind::kRunRolledBack, "rolled_back", Outcome::kRolledBack);
  pause("rolled back in part");
  return Outcome::kTargetReached;
}

void LiveEngagement::clear_proof(const std::string& id, const std::string& reason) {
  ensure_fenced(*context_);
  const Step* step = context_->plan.step(id);
  if (step == nullptr || !context_->journal_says(*step, JournalState::kProofFailed)) {
    throw Error(errors::kStepUnknown, fmt::format("run {} has no failed proof {}", context_->run, id),
                "See which steps failed with: falsework status.");
  }
  record_alone(*context_, context_->next_row(*step, JournalState::kUndone), [&](Journal& journal) {
    JournalEntry entry;
    entry.step = id;
    entry.event = "proof_cleared";
    entry.generation = context_->journal_step(*step).generation;
    entry.detail = reason;
    journal.note(context_->run, context_->epoch, entry);
  });
  failpoint("proof.cleared");
  context_->tell(EventKind::kProofCleared, step, reason);
}

std::vector<std::string> LiveEngagement::drop_archives() {
  ensure_fenced(*context_);
  context_->journal = Journal(*context_->session).steps(context_->run);
  std::vector<std::string> dropped = falsework::drop_archives(*context_);
  seal();
  return dropped;
}

}  // namespace

std::unique_ptr<Engagement> Engagement::start(const Plan& plan, const std::string& plan_text, Ledger& ledger,
                                              Clock& clock, Observer& observer, const ExecutorOptions& options) {
  return std::make_unique<LiveEngagement>(open_for_plan(plan, plan_text, ledger, clock, observer, options));
}

std::unique_ptr<Engagement> Engagement::take_up(const RunRecord& run, Ledger& ledger, Clock& clock, Observer& observer,
                                                const ExecutorOptions& options) {
  return std::make_unique<LiveEngagement>(open_for_run(run, ledger, clock, observer, options));
}

}  // namespace falsework
