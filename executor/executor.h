// Runs a plan against a server, exactly once, forwards and backwards.
//
// One rule: the executor does not know what a change is. It reads steps; the journal in the target database decides
// what happened; the ledger is told before and after.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "plans/plan.h"
#include "postgres/session/session.h"
#include "state/ledger.h"
#include "state/run_state.h"

namespace falsework {

// What the executor says while it works: one sink, so that a terminal, a log and a test see the same.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void step_started(const Step& step, bool undo) = 0;
  virtual void step_finished(const Step& step, bool undo, std::chrono::milliseconds took) = 0;
  virtual void step_failed(const Step& step, bool undo, const Error& error) = 0;
  // A lock could not be had, or holders older than the timeout were seen: who holds it, as lines for people.
  virtual void step_blocked(const Step& step, int attempt, const std::vector<std::string>& blockers) = 0;
  virtual void copy_progress(const Step& step, const Progress& progress) = 0;
  // Of a concurrent index build: its phase, blocks or rows of that phase, and who is in its way.
  virtual void build_progress(const Step& step, const Progress& progress) = 0;
  virtual void gate_closed(const Step& step) = 0;
};

struct ExecutorOptions {
  pg::ConnectionSettings connection;
  std::string actor;                         // user@host
  std::chrono::milliseconds patience{5000};  // for another engine to let go of the run
  std::chrono::milliseconds progress_interval{1000};
  std::optional<std::chrono::milliseconds> lock_timeout, lock_budget;  // over the steps' own
  std::optional<std::chrono::milliseconds> build_timeout;              // of a concurrent step, over its own; 0: none
  bool take_over = false;           // end what an earlier engine left running, once the patience is over
  bool terminate_blockers = false;  // end who holds a lock against a step for longer than its timeout
  bool allow_superuser = false;
};

// Where to stop.
struct Target {
  enum class Kind { kNextGate, kPhase, kStep, kEnd };
  Kind kind = Kind::kNextGate;
  Phase phase = Phase::kContract;  // of kPhase: through its last step
  std::string step;                // of kStep: through this step and what it needs
};

struct AdvanceRequest {
  Target target;
  std::set<std::string> releases;   // that are out everywhere
  bool open_advance_gates = false;  // an explicit advance by a person opens the first gate of kind `advance`; kEnd all
  bool confirmed = false;           // irreversible steps may run (--confirm gave the migration's name)
  bool open_gates = true;           // false: every gate stays closed, whatever holds
  bool refuse_closed = false;       // a closed gate at which the run stands already is an error, not an outcome
  // A gate, by its name or its step, that opens in spite of what is missing; with the reason. Never past a failed
  // proof.
  std::string override_gate, override_reason;
};

struct RollbackRequest {
  std::optional<Phase> to_phase;    // this phase stays done, later ones are undone
  std::optional<std::string> step;  // this step and everything downstream of it is undone
};

enum class Outcome { kDone, kAtGate, kTargetReached, kRolledBack, kNothingToDo };

// One run of one plan, held by this process from open to destruction.
class Engagement {
 public:
  // Connects; checks role, database identity and journal; fences; reads the journal and brings the ledger up to it.
  // Throws Error: run.held, database.foreign, ledger.foreign, plan.digest_mismatch, role.superuser, …
  // start: creates the run (or takes up the one that exists for this plan digest in this database).
  static std::unique_ptr<Engagement> start(const Plan& plan, const std::string& plan_text, Ledger& ledger, Clock& clock,
                                           Observer& observer, const ExecutorOptions& options);
  static std::unique_ptr<Engagement> take_up(const RunRecord& run, Ledger& ledger, Clock& clock, Observer& observer,
                                             const ExecutorOptions& options);
  virtual ~Engagement() = default;

  virtual const std::string& run() const = 0;
  virtual const Plan& plan() const = 0;
  virtual RunState state() const = 0;

  // Runs what is ready until the target, a closed gate, the end or a stop request. Throws Error: step.failed,
  // check.failed, proof.failed, plan.stale (drift under the lock), lock.budget_exhausted, gate.closed (a phase or step
  // behind it was asked for), confirmation.missing, stopped.*.
  virtual Outcome advance(const AdvanceRequest& request) = 0;

  // Undoes steps in reverse order. Throws Error(step.irreversible) before anything is undone when one of them cannot.
  virtual Outcome rollback(const RollbackRequest& request) = 0;

  // Clears a failed proof, by a person, with a reason: its check runs anew. Throws Error(step.unknown) when that step's
  // proof has not failed.
  virtual void clear_proof(const std::string& step, const std::string& reason) = 0;

  // Drops the archives of a run that is done: it cannot be rolled back any more. Returns their names; none when they
  // are gone already. Throws Error(usage) for a run that is under way, or on its way back.
  virtual std::vector<std::string> drop_archives() = 0;
};

// Compares what the plan relies on with the live catalog, as lines `relation: object changed|gone|new`. Used before a
// run starts; a running one compares with what its last step left.
std::vector<std::string> find_drift(pg::Session& session, const Plan& plan);

}  // namespace falsework
