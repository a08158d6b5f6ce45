#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/identifier.h"
#include "base/log.h"
#include "executor/drift.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"
#include "executor/step_error.h"
#include "plans/bare_sql.h"

namespace falsework {

namespace {

Leap leap_of(RunContext& context, const Step& step, bool undo) {
  Leap leap;
  leap.locks = undo ? step.undo_locks : step.locks;
  leap.lock_timeout = context.lock_timeout(step);
  leap.budget = context.lock_budget(step);
  leap.what = "step " + step.id;
  leap.blocked = [&context, &step](int attempt, const std::vector<std::string>& blockers) {
    context.blocked(step, attempt, blockers);
  };
  leap.open_watch = [&context] { return pg::connect(context.options.connection); };
  leap.terminate_blockers = context.options.terminate_blockers;
  leap.our_pids = [&context] { return Journal(*context.session).live_backends(); };
  return leap;
}

void begin_with_settings(RunContext& context, const Step& step, const LockTry& chosen) {
  set_local(*context.session, "lock_timeout", chosen.lock_timeout);
  set_local(*context.session, "statement_timeout", step.timeouts.statement);
  if (chosen.deadlock_timeout) set_local(*context.session, "deadlock_timeout", *chosen.deadlock_timeout);
  Journal(*context.session).hold_epoch(context.run, context.epoch, false);
}

// Takes the step's locks: by its own statements up to the last LOCK TABLE if it has one, for what stands before that is
// there to lock what LOCK TABLE cannot. Returns where the rest begins.
std::size_t lock_first(RunContext& context, const Step& step, const LockTry& chosen,
                       const std::vector<std::string>& sql, const std::vector<pg::TakenLock>& locks) {
  const auto last = std::find_if(sql.rbegin(), sql.rend(), is_lock_statement);
  const auto next = static_cast<std::size_t>(sql.rend() - last);
  LockRequests requests(*context.session, chosen.lock_timeout);
  for (std::size_t i = 0; i < next; ++i) requests.query(sql[i]);
  if (next == 0) take_locks(*context.session, requests, locks);
  set_local(*context.session, "statement_timeout", step.timeouts.statement);
  failpoint("step.locked");
  return next;
}

std::int64_t run_sql(RunContext& context, const std::vector<std::string>& sql, std::size_t from) {
  std::int64_t rows = 0;
  for (std::size_t i = from; i < sql.size(); ++i) {
    rows += static_cast<std::int64_t>(run_cancellable(*context.session, sql[i]).affected);
    failpoint("step.sql");
  }
  return rows;
}

// Whether the statement does nothing but take something away; `bare`: its words, without what stands in quotes.
bool only_removes(const std::string& bare) {
  if (bare.rfind("DROP ", 0) == 0) return true;
  return bare.rfind("ALTER TABLE ", 0) == 0 && has_words(bare, "DROP") && !has_words(bare, "ADD") &&
         !has_words(bare, "RENAME") && !has_words(bare, "ALTER COLUMN");
}

// Without its dual write, or with one that somebody has disabled or changed, the new column may hold what clients have
// written and no other column has.
[[noreturn]] void refuse_to_drop_the_only_copy(const std::string& disturbed, const std::string& sql) {
  throw Error(
      errors::kPlanStale,
      fmt::format("somebody removed, disabled or changed the dual write ({}), and {} could drop the only copy of "
                  "what was written since",
                  disturbed, sql),
      "Bring the new column's values into the old one, make the triggers and their functions what the plan has "
      "(falsework explain shows them), then run the same command again.");
}

// What is not as the last step left it, before an undo.
struct Disturbance {
  bool anything_gone = false;
  std::string dual_write;  // a trigger that the undo drops and that is gone or changed; empty when there is none
};

Disturbance find_disturbance(const std::vector<std::string>& undo, const Fingerprint& expected,
                             const Fingerprint& actual) {
  constexpr std::string_view kTrigger = "trigger ";
  Disturbance found;
  for (const Drift& drift : drift_between(expected, actual)) {
    found.anything_gone = found.anything_gone || drift.is_gone();
    if (drift.is_new() || drift.object.rfind(kTrigger, 0) != 0) continue;
    const std::string drop = fmt::format("DROP TRIGGER {} ", quote_identifier(drift.object.substr(kTrigger.size())));
    const bool dropped =
        std::any_of(undo.begin(), undo.end(), [&](const std::string& sql) { return sql.rfind(drop, 0) == 0; });
    if (dropped) found.dual_write = drift.line();
  }
  return found;
}

// Somebody else has removed what the plan had made: what an undo would remove and is gone is passed over, or the run
// could go neither on nor back. Returns the statements that were.
std::vector<std::string> run_undo(RunContext& context, const std::vector<std::string>& sql, std::size_t from,
                                  const Disturbance& disturbed) {
  std::vector<std::string> passed_over;
  for (std::size_t i = from; i < sql.size(); ++i) {
    const std::string bare = bare_sql(sql[i]);
    const bool removal = only_removes(bare);
    if (!removal || !disturbed.anything_gone) {
      run_cancellable(*context.session, sql[i]);
    } else {
      context.session->query("SAVEPOINT removal");
      try {
        run_cancellable(*context.session, sql[i]);
      } catch (const pg::SqlError& error) {
        if (!misses_something(error)) throw;
        context.session->query("ROLLBACK TO SAVEPOINT removal");
        passed_over.push_back(sql[i]);
      }
      context.session->query("RELEASE SAVEPOINT removal");
    }
    const bool dropped = removal && (passed_over.empty() || passed_over.back() != sql[i]);
    if (dropped && !disturbed.dual_write.empty() && has_words(bare, "DROP COLUMN")) {
      refuse_to_drop_the_only_copy(disturbed.dual_write, sql[i]);
    }
    failpoint("step.sql");
  }
  return passed_over;
}

std::int64_t attempt_forward(RunContext& context, const Step& step, const LockTry& chosen) {
  failpoint("step.begin");
  pg::Transaction transaction(*context.session);
  begin_with_settings(context, step, chosen);
  const std::size_t from = lock_first(context, step, chosen, step.sql, step.locks);
  require_no_drift(*context.session, context);
  Journal journal(*context.session);
  if (step.irreversible) journal.mark_no_return(context.run);
  const std::int64_t rows = run_sql(context, step.sql, from);
  require_done(*context.session, step);
  record_done(context, journal, step, rows);
  failpoint("step.journal");
  transaction.commit();
  failpoint("step.committed");
  return rows;
}

void attempt_undo(RunContext& context, const Step& step, const LockTry& chosen) {
  failpoint("undo.begin");
  pg::Transaction transaction(*context.session);
  begin_with_settings(context, step, chosen);
  const std::size_t from = lock_first(context, step, chosen, *step.undo, step.undo_locks);
  const Fingerprint expected = expected_fingerprint(*context.session, context);
  const Fingerprint before = read_fingerprint(*context.session, context.plan);
  const Disturbance disturbed = find_disturbance(*step.undo, expected, before);
  const std::vector<std::string> passed_over = run_undo(context, *step.undo, from, disturbed);
  record_after_undo(*context.session, context, expected, before, passed_over);
  Journal journal(*context.session);
  context.mark_ledger(journal);
  if (step.kind == StepKind::kGate) journal.close_gate(context.run, step.id);
  JournalStep row = context.next_row(step, JournalState::kUndone);
  if (!passed_over.empty()) row.detail = fmt::format("gone already: {}", fmt::join(passed_over, "; "));
  journal.record(context.run, context.plan.digest, row);
  failpoint("undo.journal");
  transaction.commit();
  failpoint("undo.committed");
  for (const std::string& sql : passed_over) {
    log_warning(fmt::format("run {}: the undo of {} found this gone already: {}", context.run, step.id, sql));
  }
}

}  // namespace

std::int64_t run_statement(RunContext& context, const Step& step) {
  std::int64_t rows = -1;
  plan_fingerprint(*context.session, context.plan);
  look_then_leap(*context.session, context.clock, context.random, leap_of(context, step, false),
                 [&](const LockTry& chosen) { rows = attempt_forward(context, step, chosen); });
  return rows;
}

void undo_statement(RunContext& context, const Step& step) {
  FALSEWORK_CHECK(step.undo.has_value());
  plan_fingerprint(*context.session, context.plan);
  look_then_leap(*context.session, context.clock, context.random, leap_of(context, step, true),
                 [&](const LockTry& chosen) { attempt_undo(context, step, chosen); });
}

}  // namespace falsework
