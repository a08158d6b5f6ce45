#include "executor/backfill/worker.h"

#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/stop.h"

namespace falsework {

namespace {

constexpr const char* kStatementTimeout = "30s";

pg::ConnectionSettings settings_of(const RunContext& context) {
  pg::ConnectionSettings settings = context.options.connection;
  settings.application_name += "/copy";
  settings.settings["synchronous_commit"] = "off";
  settings.settings["lock_timeout"] = fmt::format("{}ms", CopyWorker::kLockTimeout.count());
  settings.settings["statement_timeout"] = kStatementTimeout;
  return settings;
}

// What another session's lock, or a slow moment, brings about. A late cancel request of a person ends here too.
bool is_yield(const pg::SqlError& error) {
  switch (pg::classify_sqlstate(error.sqlstate())) {
    case pg::SqlClass::kLockTimeout:
    case pg::SqlClass::kDeadlock:
    case pg::SqlClass::kSerialization:
    case pg::SqlClass::kCanceled:
    case pg::SqlClass::kStatementTimeout: return true;
    default: return false;
  }
}

}  // namespace

CopyWorker::CopyWorker(RunContext& context, const Step& step)
    : context_(context), step_(step), session_(pg::connect(settings_of(context))) {
  // The dual-write trigger lets the copy's own updates pass.
  session_->query("SELECT pg_catalog.set_config('falsework.copy', $1, false)", {context.run});
  Journal(*session_).register_backend(context.run, context.epoch, session_->backend_pid());
}

BatchOutcome CopyWorker::run(const Batch& batch, CopyCursor& after) {
  failpoint("batch.begin");
  Journal journal(*session_);
  try {
    pg::Transaction transaction(*session_);
    journal.hold_epoch(context_.run, context_.epoch, true);
    const pg::Rows updated = session_->query_prepared(
        step_.copy->statement,
        {lower_tid(batch.range), upper_tid(batch.range), std::to_string(batch.stripes), std::to_string(batch.stripe)});
    failpoint("batch.updated");
    // Under the lock that the UPDATE holds: from here to the end of the transaction the file stays.
    if (read_epoch(*session_, step_.copy->relation).filenode != after.table.filenode) return BatchOutcome::kRewritten;
    after.rows += static_cast<std::int64_t>(updated.affected);
    JournalStep row = context_.next_row(step_, JournalState::kIntent);
    row.cursor = render_cursor(after);
    row.rows = after.rows;
    journal.record(context_.run, context_.plan.digest, row);
    failpoint("batch.journal");
    transaction.commit();
  } catch (const pg::SqlError& error) {
    if (is_yield(error)) return BatchOutcome::kYielded;
    throw;
  }
  failpoint("batch.committed");
  return BatchOutcome::kDone;
}

std::optional<std::int64_t> CopyWorker::remaining(const BlockRange& range) {
  try {
    return session_->query_prepared(step_.copy->remaining, {lower_tid(range), upper_tid(range)}).number(0, 0);
  } catch (const pg::SqlError& error) {
    if (is_yield(error)) return std::nullopt;
    throw;
  }
}

}  // namespace falsework
