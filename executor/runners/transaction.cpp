#include "executor/runners/transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/stop.h"
#include "executor/drift.h"
#include "executor/locks/holders.h"
#include "executor/stop_watcher.h"

namespace falsework {

namespace {

constexpr int kLateCancels = 3;  // that one statement outlives

}  // namespace

void set_local(pg::Session& session, const std::string& setting, std::chrono::milliseconds value) {
  session.query("SELECT pg_catalog.set_config($1, $2, true)", {setting, fmt::format("{}ms", value.count())});
}

void LockRequests::query(const std::string& sql) {
  using std::chrono::milliseconds;
  if (left_.count() > 0) {
    const auto now = std::chrono::steady_clock::now();
    if (!deadline_) deadline_ = now + left_;
    // lock_timeout alone begins anew for each lock, also within one LOCK TABLE of several tables.
    set_local(session_, "statement_timeout",
              std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(*deadline_ - now)));
  }
  try {
    run_cancellable(session_, sql);
  } catch (const pg::SqlError& error) {
    if (left_.count() == 0 || pg::classify(error) != pg::SqlClass::kStatementTimeout) throw;
    throw pg::SqlError("55P03", "its locks together were not had within the lock timeout");
  }
}

void take_locks(pg::Session& session, LockRequests& requests, const std::vector<pg::TakenLock>& locks) {
  for (const pg::TakenLock& lock : locks) {
    // LOCK TABLE asks for one of these privileges in any mode that matters here (PG docs, sql-lock).
    const pg::Rows rows = session.query(
        "SELECT c.oid::pg_catalog.regclass::text FROM pg_catalog.pg_class AS c "
        "WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p') "
        "AND pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')",
        {sql_name(lock.relation)});
    if (rows.empty()) continue;
    requests.query(fmt::format("LOCK TABLE ONLY {} IN {} MODE", sql_name(lock.relation), pg::sql(lock.mode)));
  }
}

bool is_lock_statement(const std::string& sql) {
  std::string head = sql.substr(0, 5);
  std::transform(head.begin(), head.end(), head.begin(), [](unsigned char c) { return std::toupper(c); });
  return head == "LOCK ";
}

void record_alone(RunContext& context, const JournalStep& row, const std::function<void(Journal&)>& more) {
  Journal journal(*context.session);
  pg::Transaction transaction(*context.session);
  journal.hold_epoch(context.run, context.epoch, false);
  if (more) more(journal);
  context.mark_ledger(journal);
  journal.record(context.run, context.plan.digest, row);
  failpoint("step.journal");
  transaction.commit();
  context.journal[row.step] = row;
}

void record_done(RunContext& context, Journal& journal, const Step& step, std::int64_t rows) {
  if (!context.plan.fingerprint_query.empty()) {
    journal.record_fingerprint(context.run, read_fingerprint(*context.session, context.plan));
  }
  JournalStep row = context.next_row(step, JournalState::kDone);
  row.rows = std::max<std::int64_t>(rows, 0);
  context.mark_ledger(journal);
  journal.record(context.run, context.plan.digest, row);
}

void require_done(pg::Session& session, const Step& step) {
  if (step.done_when.empty()) return;
  const pg::Rows rows = session.query(step.done_when);
  if (!rows.empty() && rows.rows[0][0] && rows.boolean(0, 0)) return;
  throw Error(errors::kStepFailed, fmt::format("step {} ran, but its effect is not there", step.id),
              "Nothing of it remains. Compare its SQL with the catalog: falsework explain shows both.");
}

void require_no_row_security(pg::Session& session, const Step& step) {
  for (const std::string& relation : step.relations) {
    const pg::Rows rows = session.query(
        "SELECT pg_catalog.row_security_active(c.oid) FROM pg_catalog.pg_class AS c "
        "WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p')",
        {sql_name(relation)});
    if (rows.empty() || !rows.boolean(0, 0)) continue;
    throw Error(errors::kRowSecurity, fmt::format("step {}: row security would hide rows of {}", step.id, relation),
                "Connect as the table's owner (without FORCE ROW LEVEL SECURITY) or as a role with BYPASSRLS.");
  }
}

pg::Rows run_cancellable(pg::Session& session, const std::string& sql, const std::vector<pg::Value>& parameters) {
  try {
    const StopWatcher watcher(session);
    return session.query(sql, parameters);
  } catch (const pg::SqlError& error) {
    if (pg::classify_sqlstate(error.sqlstate()) == pg::SqlClass::kCanceled) stop_point("a statement");
    throw;
  }
}

pg::Rows query_past_cancels(pg::Session& session, const std::string& sql, const std::vector<pg::Value>& parameters) {
  for (int cancels = 0;; ++cancels) {
    try {
      return session.query(sql, parameters);
    } catch (const pg::SqlError& error) {
      if (cancels == kLateCancels || pg::classify(error) != pg::SqlClass::kCanceled) throw;
    }
  }
}

}  // namespace falsework
