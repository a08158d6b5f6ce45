// What the transactions of all runners have in common.
//
// One rule: the first statement that can conflict with anybody is the lock on the run's row, with our epoch.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "executor/locks/look_then_leap.h"
#include "executor/run_context.h"

namespace falsework {

// For the transaction that is open. 0 means none.
void set_local(pg::Session& session, const std::string& setting, std::chrono::milliseconds value);

// The requests of one transaction for its locks. Whoever queues behind the first of them waits for all the others, too;
// so together they may take no longer than one lock timeout. Leaves statement_timeout changed.
class LockRequests {
 public:
  // 0 means no limit.
  LockRequests(pg::Session& session, std::chrono::milliseconds lock_timeout) : session_(session), left_(lock_timeout) {}

  // Throws SqlError 55P03 when time is up.
  void query(const std::string& sql);

 private:
  pg::Session& session_;
  std::chrono::milliseconds left_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

// Takes the declared locks on tables that exist, in the plan's order, which is fixed; those that the role may not take
// by LOCK TABLE are left to the statements themselves.
void take_locks(pg::Session& session, LockRequests& requests, const std::vector<pg::TakenLock>& locks);

// Whether a statement is LOCK TABLE.
bool is_lock_statement(const std::string& sql);

// Records a row of the journal in a transaction of its own, with the epoch held; `more` runs in it before the record.
void record_alone(RunContext& context, const JournalStep& row, const std::function<void(Journal&)>& more = {});

// Records the step as done together with the catalog as it is now.
void record_done(RunContext& context, Journal& journal, const Step& step, std::int64_t rows);

// Throws Error(step.failed) unless the step's done_when answers true.
void require_done(pg::Session& session, const Step& step);

// Throws Error(backfill.row_security) when policies of one of the step's relations would apply to this role.
void require_no_row_security(pg::Session& session, const Step& step);

// Runs a statement that a stop request may cancel. A cancel that we asked for leaves as stopped.*.
pg::Rows run_cancellable(pg::Session& session, const std::string& sql, const std::vector<pg::Value>& parameters = {});

// Runs a short statement outside a transaction that a cancel request does not end: such a request was meant for the
// statement before, and came late. A statement that is cancelled again and again throws as query does.
pg::Rows query_past_cancels(pg::Session& session, const std::string& sql,
                            const std::vector<pg::Value>& parameters = {});

}  // namespace falsework
