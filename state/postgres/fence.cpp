// The part of the journal that keeps older engines out. The argument: docs/exactly-once.md.
#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/hash.h"
#include "base/stop.h"
#include "state/postgres/history.h"
#include "state/postgres/journal.h"
#include "state/postgres/overtaken.h"
#include "state/postgres/schema.h"

namespace falsework {

namespace {

constexpr Milliseconds kPoll{50};
// How long an ended backend may take to go: it has to roll back first.
constexpr Milliseconds kEndingPatience{10000};

std::string lock_key(const std::string& run) {
  const std::uint64_t bits = std::stoull(sha256("falsework:" + run).substr(0, 16), nullptr, 16);
  return std::to_string(static_cast<std::int64_t>(bits));
}

// Sleeps one poll. Throws Error(stopped.…) when a stop was requested.
void wait_a_little(Clock& clock) {
  clock.sleep(kPoll);
  stop_point("waiting for the run");
}

// Lets the server notice within a second that this process has died, and cancel what it was running. Not every platform
// of a server can (PG docs, client_connection_check_interval); then the next fence ends it.
void notice_lost_client(pg::Session& session) {
  try {
    session.query("SET client_connection_check_interval = '1s'");
  } catch (const pg::SqlError&) {
    FALSEWORK_CHECK(!session.in_transaction());
  }
}

struct Holder {
  std::string who;  // empty: nobody yet
  std::string since;
};

Holder find_holder(pg::Session& session, const std::string& run) {
  const pg::Rows rows = session.query(
      fmt::format("SELECT holder, coalesce(pg_catalog.to_char(held_since, {}), '') FROM falsework.run WHERE run = $1",
                  journal::kTimeFormat),
      {run});
  if (rows.empty()) {
    throw Error(errors::kRunUnknown, fmt::format("the journal has no run {}", run),
                "List the runs with `falsework status`.");
  }
  return {rows.text(0, 0), rows.text(0, 1)};
}

// What the server knows of a process: `server process 4711 (falsework apply, from 10.0.0.7, active)`. Of another role's
// it tells little.
std::string describe_backend(pg::Session& session, const std::string& pid) {
  const pg::Rows rows = session.query(
      "SELECT coalesce(nullif(a.application_name, ''), ''), coalesce(pg_catalog.host(a.client_addr), ''), "
      "coalesce(a.state, '') FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = $1::integer",
      {pid});
  if (rows.empty()) return fmt::format("server process {}", pid);
  std::vector<std::string> facts;
  if (!rows.text(0, 0).empty()) facts.push_back(rows.text(0, 0));
  if (!rows.text(0, 1).empty()) facts.push_back("from " + rows.text(0, 1));
  if (!rows.text(0, 2).empty()) facts.push_back(rows.text(0, 2));
  if (facts.empty()) return fmt::format("server process {}", pid);
  return fmt::format("server process {} ({})", pid, fmt::join(facts, ", "));
}

[[noreturn]] void fail_held(pg::Session& session, const std::string& run, const Holder& holder,
                            const std::string& pid) {
  const std::string who = holder.who.empty() ? "another process" : holder.who;
  const std::string since = holder.since.empty() ? "" : fmt::format(" since {}", holder.since);
  const std::string by = pid.empty() ? "" : fmt::format(", {}", describe_backend(session, pid));
  throw Error(errors::kRunHeld, fmt::format("run {} is held by {}{}{}", run, who, since, by),
              pid.empty() ? "Try again once it has ended."
                          : fmt::format("Try again once it has ended. If that engine is gone for good, end what it "
                                        "left behind with --take-over, or with: SELECT pg_terminate_backend({});",
                                        pid));
}

// The live backends that were registered for the run under an epoch below `epoch`. A backend of another role shows no
// start time to an ordinary role; then the same role under the same pid must be taken for the same backend.
pg::Rows older_backends(pg::Session& session, const std::string& run, std::uint64_t epoch) {
  return session.query(
      "SELECT a.pid, a.usename FROM falsework.backend AS b JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid "
      "AND (a.backend_start = b.backend_start OR (a.backend_start IS NULL AND a.usename = b.role)) "
      "WHERE b.run = $1 AND b.epoch < $2::bigint AND a.pid <> pg_catalog.pg_backend_pid() ORDER BY a.pid",
      {run, std::to_string(epoch)});
}

// Asks the server to end each of them; one that we may not end is left to whoever waits for it.
void end_backends(pg::Session& session, const pg::Rows& backends) {
  for (std::size_t i = 0; i < backends.size(); ++i) {
    try {
      session.query("SELECT pg_catalog.pg_terminate_backend($1::integer)", {backends.text(i, 0)});
    } catch (const pg::SqlError& failure) {
      if (pg::classify_sqlstate(failure.sqlstate()) != pg::SqlClass::kInsufficientPrivilege) throw;
      const std::string& pid = backends.text(i, 0);
      const std::string& role = backends.text(i, 1);
      throw Error(errors::kRunHeld,
                  fmt::format("server process {} of an older engine belongs to role {} and cannot be ended", pid, role),
                  fmt::format("Connect as {}, or let a superuser run: SELECT pg_terminate_backend({});", role, pid));
    }
  }
}

void end_older_backends(pg::Session& session, const std::string& run, std::uint64_t epoch, Clock& clock) {
  const auto deadline = clock.monotonic() + kEndingPatience;
  pg::Rows backends = older_backends(session, run, epoch);
  while (!backends.empty()) {
    if (clock.monotonic() >= deadline) {
      throw Error(errors::kRunHeld,
                  fmt::format("run {}: server process {} of an older engine does not end", run, backends.text(0, 0)),
                  "Try again once it has ended; its last statement cannot be interrupted yet.");
    }
    end_backends(session, backends);
    wait_a_little(clock);
    backends = older_backends(session, run, epoch);
  }
  session.query("DELETE FROM falsework.backend WHERE run = $1 AND epoch < $2::bigint", {run, std::to_string(epoch)});
}

// Whoever has locked the run's row, if it is one transaction; several leave only a multixact to see.
std::string row_locker(pg::Session& session, const std::string& run) {
  const pg::Rows rows = session.query(
      "SELECT l.pid FROM falsework.run AS r JOIN pg_catalog.pg_locks AS l ON l.locktype = 'transactionid' "
      "AND l.transactionid = r.xmax AND l.granted WHERE r.run = $1",
      {run});
  return rows.empty() ? std::string() : rows.text(0, 0);
}

void insert_backend(pg::Session& session, const std::string& run, std::uint64_t epoch, int pid) {
  const pg::Rows inserted = session.query(
      "INSERT INTO falsework.backend AS b (run, epoch, pid, backend_start, role, host) "
      "SELECT r.run, r.epoch, a.pid, a.backend_start, a.usename, coalesce(pg_catalog.host(a.client_addr), 'local') "
      "FROM falsework.run AS r, pg_catalog.pg_stat_activity AS a WHERE r.run = $1 AND r.epoch = $2::bigint "
      "AND a.pid = $3::integer FOR SHARE OF r "
      "ON CONFLICT (run, pid, backend_start) DO UPDATE SET epoch = excluded.epoch",
      {run, std::to_string(epoch), std::to_string(pid)});
  if (inserted.affected == 1) return;
  journal::fail_if_overtaken(session, run, epoch);
  throw Error(errors::kDatabaseUnreachable, fmt::format("server process {} is gone", pid),
              "Run the command again once the server can be reached.");
}

// Raises the epoch unless somebody has the row: returns the new one, or nullopt. Waits for nobody.
std::optional<std::uint64_t> try_raise(pg::Session& session, const std::string& run, const std::string& holder) {
  pg::Transaction transaction(session);
  const pg::Rows rows = session.query(
      "WITH free AS MATERIALIZED (SELECT run FROM falsework.run WHERE run = $1 FOR NO KEY UPDATE SKIP LOCKED) "
      "UPDATE falsework.run AS r SET epoch = r.epoch + 1, holder = $2, held_since = pg_catalog.clock_timestamp() "
      "FROM free WHERE r.run = free.run RETURNING r.epoch",
      {run, holder});
  if (rows.empty()) return std::nullopt;
  const auto epoch = static_cast<std::uint64_t>(rows.number(0, 0));
  static const std::string kFenced = fmt::format(
      "WITH {} SELECT 1",
      journal::append_entries("SELECT r.run, ''::text AS step, 'fenced'::text AS event, 0 AS generation, r.epoch, "
                              "0::bigint AS rows, -1::bigint AS duration_ms, ''::text AS sqlstate, r.holder AS detail "
                              "FROM falsework.run AS r WHERE r.run = $1"));
  session.query(kFenced, {run});
  insert_backend(session, run, epoch, session.backend_pid());
  transaction.commit();
  return epoch;
}

}  // namespace

namespace journal {

std::string lock_owner(pg::Session& session, const std::string& run) {
  const pg::Rows rows = session.query(
      "SELECT l.pid FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
      "AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = "
      "pg_catalog.current_database()) "
      "AND (l.classid::bigint << 32) | l.objid::bigint = $1::bigint",
      {lock_key(run)});
  return rows.empty() ? std::string() : rows.text(0, 0);
}

bool try_lock(pg::Session& session, const std::string& run) {
  return session.query("SELECT pg_catalog.pg_try_advisory_lock($1::bigint)", {lock_key(run)}).boolean(0, 0);
}

void fail_if_overtaken(pg::Session& session, const std::string& run, std::uint64_t epoch) {
  const Holder holder = find_holder(session, run);
  const pg::Rows rows = session.query("SELECT epoch FROM falsework.run WHERE run = $1", {run});
  const auto current = static_cast<std::uint64_t>(rows.number(0, 0));
  if (current == epoch) return;
  throw Error(errors::kRunHeld,
              fmt::format("run {} was overtaken by {} at {}: its epoch is {}, ours is {}", run, holder.who,
                          holder.since, current, epoch),
              "Nothing more was changed here. See where the run stands with `falsework status`.");
}

}  // namespace journal

std::uint64_t Journal::fence(const std::string& run, const std::string& holder, Clock& clock,
                             std::chrono::milliseconds patience, bool take_over) {
  FALSEWORK_CHECK(!session_.in_transaction());
  notice_lost_client(session_);
  const auto deadline = clock.monotonic() + patience;
  take_lock(run, holder, clock, patience, take_over);
  try {
    const auto left = std::chrono::duration_cast<Milliseconds>(deadline - clock.monotonic());
    const std::uint64_t epoch = raise_epoch(run, holder, clock, std::max(left, Milliseconds{0}));
    end_older_backends(session_, run, epoch, clock);
    return epoch;
  } catch (const pg::ConnectionLost&) {
    throw;  // the lock went with the connection
  } catch (...) {
    session_.query("SELECT pg_catalog.pg_advisory_unlock($1::bigint)", {lock_key(run)});
    throw;
  }
}

// Polls with no transaction open: a session that waits holds a snapshot, and a concurrent index build in the same
// database would wait for it for ever (PG docs, sql-createindex, "Building Indexes Concurrently").
void Journal::take_lock(const std::string& run, const std::string& holder, Clock& clock,
                        std::chrono::milliseconds patience, bool take_over) {
  auto deadline = clock.monotonic() + patience;
  while (true) {
    const Holder current = find_holder(session_, run);
    if (journal::try_lock(session_, run)) return;
    // A connection of our own that was lost: the server may not have noticed, and nobody else will end it.
    if (current.who == holder) {
      end_backends(session_, older_backends(session_, run, INT64_MAX));
    }
    if (clock.monotonic() >= deadline) {
      if (!take_over) fail_held(session_, run, current, journal::lock_owner(session_, run));
      // Only what an engine of this run has registered is ended, never whoever else has the lock.
      end_backends(session_, older_backends(session_, run, INT64_MAX));
      take_over = false;
      deadline = clock.monotonic() + kEndingPatience;
    }
    wait_a_little(clock);
  }
}

// A transaction of an older engine may have the row, and keep it for as long as its statement runs; it is ended rather
// than waited for.
std::uint64_t Journal::raise_epoch(const std::string& run, const std::string& holder, Clock& clock,
                                   std::chrono::milliseconds patience) {
  const auto deadline = clock.monotonic() + std::max(patience, kEndingPatience);
  while (true) {
    if (const auto epoch = try_raise(session_, run, holder)) return *epoch;
    if (clock.monotonic() >= deadline) fail_held(session_, run, find_holder(session_, run), row_locker(session_, run));
    end_backends(session_, older_backends(session_, run, INT64_MAX));
    wait_a_little(clock);
  }
}

void Journal::register_backend(const std::string& run, std::uint64_t epoch, int pid) {
  if (pid == session_.backend_pid() && !session_.in_transaction()) notice_lost_client(session_);
  insert_backend(session_, run, epoch, pid);
}

std::vector<int> Journal::live_backends() {
  const pg::Rows rows = session_.query(
      "SELECT DISTINCT a.pid FROM falsework.backend AS b JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid "
      "AND (a.backend_start = b.backend_start OR (a.backend_start IS NULL AND a.usename = b.role)) ORDER BY a.pid");
  std::vector<int> pids;
  for (std::size_t i = 0; i < rows.size(); ++i) pids.push_back(static_cast<int>(rows.number(i, 0)));
  return pids;
}

// FOR SHARE lets batches of several workers pass side by side; both modes conflict with the NO KEY UPDATE lock of the
// statement that raises the epoch (PG docs, explicit-locking, "Row-Level Locks").
void Journal::hold_epoch(const std::string& run, std::uint64_t epoch, bool shared) {
  FALSEWORK_CHECK(session_.in_transaction());
  static const std::string kShared = "SELECT 1 FROM falsework.run WHERE run = $1 AND epoch = $2::bigint FOR SHARE";
  static const std::string kAlone =
      "SELECT 1 FROM falsework.run WHERE run = $1 AND epoch = $2::bigint FOR NO KEY UPDATE";
  if (!session_.query_prepared(shared ? kShared : kAlone, {run, std::to_string(epoch)}).empty()) return;
  journal::fail_if_overtaken(session_, run, epoch);
  FALSEWORK_CHECK(false);  // the row cannot come back to an epoch that it has left
}

}  // namespace falsework
