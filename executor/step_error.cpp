#include "executor/step_error.h"

#include <fmt/format.h>

#include "base/error_kinds.h"

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

[[noreturn]] void fail(RunContext& context, const Step& step, bool undo, const Error& error,
                       const std::string& sqlstate) {
  Event event;
  event.sqlstate = sqlstate;
  context.observer.step_failed(step, undo, error);
  if (error.exit() == ExitCode::kTemporary) {
    context.tell(EventKind::kRunPaused, nullptr, fmt::format("{}: {}", error.code(), error.what()));
  } else if (error.code() != errors::kProofFailed.code) {
    context.tell(undo ? EventKind::kUndoFailed : EventKind::kStepFailed, &step, error.what(), event);
  }
  throw Error(error);
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

void settle_failure(RunContext& context, const Step& step, bool undo, const Error& error) {
  const bool stopped = error.exit() == ExitCode::kInterrupted || error.exit() == ExitCode::kTerminated;
  if (stopped || is_connection_loss(error, context.session.get())) throw;
  if (const auto* sql = dynamic_cast<const pg::SqlError*>(&error)) {
    fail(context, step, undo, in_our_words(context, step, undo, *sql), sql->sqlstate());
  }
  fail(context, step, undo, error, {});
}

}  // namespace falsework
