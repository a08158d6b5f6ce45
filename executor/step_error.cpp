#include "executor/step_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error_kinds.h"
#include "base/log.h"
#include "executor/drift.h"

namespace falsework {

namespace {

std::string hint_of(const RunContext& context, bool undo, const std::string& server_hint) {
  const std::string on = undo ? "rollback" : "advance";
  std::string hint = fmt::format("Correct the cause, then run: falsework {} {}.", on, context.run);
  if (!undo) hint += fmt::format(" Or go back with: falsework rollback {}.", context.run);
  return server_hint.empty() ? hint : fmt::format("{} {}", server_hint, hint);
}

// The server's own words, with the step in front. DETAIL stays away: it may hold values of rows.
Error in_our_words(const RunContext& context, const Step& step, bool undo, const pg::SqlError& error) {
  const bool privilege = pg::classify_sqlstate(error.sqlstate()) == pg::SqlClass::kInsufficientPrivilege;
  return {privilege ? errors::kPrivilegeMissing : errors::kStepFailed,
          fmt::format("{} {} failed: {} (SQLSTATE {})", undo ? "the undo of step" : "step", step.id, error.what(),
                      error.sqlstate()),
          hint_of(context, undo, error.hint())};
}

// So that a ledger which is rebuilt from the journal knows of it. The step is as it was without that.
void note_failure(RunContext& context, const Step& step, bool undo, const Error& error, const std::string& sqlstate) {
  if (error.exit() == ExitCode::kTemporary || error.code() == errors::kProofFailed.code) return;
  JournalEntry entry;
  entry.step = step.id;
  entry.event = undo ? "undo_failed" : "failed";
  entry.generation = context.journal_step(step).generation;
  entry.sqlstate = sqlstate;
  entry.detail = error.what();
  entry.duration_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.monotonic() - context.begun).count();
  try {
    Journal(*context.session).note(context.run, context.epoch, entry);
  } catch (const Error& other) {
    log_debug(fmt::format("the failure of {} was not noted in the journal: {}", step.id, other.what()));
  }
}

[[noreturn]] void fail(RunContext& context, const Step& step, bool undo, const Error& error,
                       const std::string& sqlstate) {
  Event event;
  event.sqlstate = sqlstate;
  context.observer.step_failed(step, undo, error);
  note_failure(context, step, undo, error, sqlstate);
  if (error.exit() == ExitCode::kTemporary) {
    context.tell(EventKind::kRunPaused, nullptr, fmt::format("{}: {}", error.code(), error.what()));
  } else if (error.code() != errors::kProofFailed.code) {
    context.tell(undo ? EventKind::kUndoFailed : EventKind::kStepFailed, &step, error.what(), event);
  }
  throw Error(error);
}

// A step may fail because somebody renamed or dropped what it stands on: then that is what is said, for it is refused
// until the change is undone, and no fault of the step. Undoing goes on beside other changes, so that there only what
// is missing counts.
void refuse_if_drifted(RunContext& context, const Step& step, bool undo, const Error& error) {
  if (error.exit() != ExitCode::kStepFailed || error.code() != errors::kStepFailed.code) return;
  if (undo && !misses_something(error)) return;
  try {
    require_no_drift(*context.session, context);
  } catch (const Error& drift) {
    if (drift.code() == errors::kPlanStale.code && !undo) fail(context, step, false, drift, {});
    if (drift.code() == errors::kPlanStale.code) {
      const std::string hint = fmt::format(
          "Nothing was changed by this step. Undo that change, then run: falsework rollback {}.", context.run);
      fail(context, step, true, Error(errors::kPlanStale, drift.what(), hint), {});
    }
    log_debug(fmt::format("drift was not looked for after {} failed: {}", step.id, drift.what()));
  }
}

}  // namespace

bool is_connection_loss(const Error& error, const pg::Session* session) {
  if (dynamic_cast<const pg::ConnectionLost*>(&error) != nullptr) return true;
  if (const auto* sql = dynamic_cast<const pg::SqlError*>(&error)) {
    return pg::classify_sqlstate(sql->sqlstate()) == pg::SqlClass::kAdminShutdown ||
           (session != nullptr && !session->is_open());
  }
  return false;
}

bool misses_something(const Error& error) {
  constexpr std::array<std::string_view, 5> kUndefined{"42P01", "42703", "42704", "42883", "3F000"};
  const auto* sql = dynamic_cast<const pg::SqlError*>(&error);
  return sql != nullptr && std::find(kUndefined.begin(), kUndefined.end(), sql->sqlstate()) != kUndefined.end();
}

void settle_failure(RunContext& context, const Step& step, bool undo, const Error& error) {
  const bool stopped = error.exit() == ExitCode::kInterrupted || error.exit() == ExitCode::kTerminated;
  if (stopped || is_connection_loss(error, context.session.get())) throw;
  refuse_if_drifted(context, step, undo, error);
  if (const auto* sql = dynamic_cast<const pg::SqlError*>(&error)) {
    fail(context, step, undo, in_our_words(context, step, undo, *sql), sql->sqlstate());
  }
  fail(context, step, undo, error, {});
}

}  // namespace falsework
