#include "executor/backfill/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/log.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLookEvery{250};
constexpr milliseconds kSignalsEvery{1000};
constexpr auto kStaleAfter = std::chrono::seconds(5);
constexpr auto kLostAfter = std::chrono::seconds(15);
constexpr milliseconds kQueryLimit{2000};
constexpr std::size_t kProbes = 8;

// Limits. The reasons: docs/backfill.md, "Out of the way".
constexpr double kSlotHeadroom = 256.0 * 1048576;  // bytes that a slot may be from its end
constexpr double kArchiverSegments = 64;
constexpr double kLockWaiters = 8;
constexpr double kSnapshotSeconds = 60;
constexpr double kProbeMilliseconds = 250;

// Sessions of this run: their own locks and snapshots are no signal.
constexpr const char* kOurs = "(SELECT b.pid FROM falsework.backend AS b WHERE b.run = $1)";

Signal signal_of(const char* name, Signal::Kind kind, double limit, const char* unit) {
  Signal signal;
  signal.name = name;
  signal.kind = kind;
  signal.limit = limit;
  signal.unit = unit;
  return signal;
}

void see(Signal& signal, const pg::Value& value, const std::string& detail = {}) {
  signal.detail = detail;
  if (!value) return;
  signal.reading = Signal::Reading::kSeen;
  signal.value = std::stod(*value);
}

void hide(Signal& signal) {
  signal.reading = Signal::Reading::kUnreadable;
  signal.detail = "to see other roles' sessions: GRANT pg_read_all_stats";
}

double milliseconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// Reads in a transaction that can neither write nor take long.
pg::Rows read_briefly(pg::Session& session, const std::string& sql, const std::vector<pg::Value>& parameters) {
  pg::Transaction transaction(session);
  session.query("SET TRANSACTION READ ONLY");
  session.query("SELECT pg_catalog.set_config('statement_timeout', $1, true)", {std::to_string(kQueryLimit.count())});
  pg::Rows rows = session.query(sql, parameters);
  transaction.commit();
  return rows;
}

}  // namespace

CopyWatch::CopyWatch(RunContext& context, const Step& step) : context_(context), step_(step) {
  read_limits_of_server();
  look();
}

// The cores of a server cannot be asked for. On this machine they are known; elsewhere an administrator's
// max_parallel_workers says how many processes are thought bearable.
void CopyWatch::read_limits_of_server() {
  const pg::Rows rows = context_.session->query(
      "SELECT pg_catalog.inet_server_addr() IS NULL, pg_catalog.current_setting('max_parallel_workers')::bigint, "
      "pg_catalog.current_setting('max_connections')::bigint - (SELECT count(*) FROM pg_catalog.pg_stat_activity AS a "
      "WHERE a.backend_type IS NULL OR a.backend_type = 'client backend'), "
      "(SELECT s.setting::bigint FROM pg_catalog.pg_settings AS s WHERE s.name = 'shared_buffers')");
  const bool here = rows.boolean(0, 0);
  const auto cores = here ? static_cast<std::int64_t>(std::thread::hardware_concurrency()) : rows.number(0, 1) / 2;
  workers_of_server_ = usual_workers(cores, rows.number(0, 2));
  most_group_blocks_ = std::max<std::int64_t>(2048, rows.number(0, 3) / 10);
}

int CopyWatch::wanted_workers() const { return control_.limits.workers.value_or(workers_of_server_); }

double CopyWatch::wal_rate() const {
  return static_cast<double>(control_.limits.wal_rate.value_or(CopyDefaults::kWalRate));
}

std::int64_t CopyWatch::group_blocks(std::int64_t blocks, double hot_share) {
  const auto snapshot = std::find_if(signals_.begin(), signals_.end(),
                                     [](const Signal& signal) { return signal.name == "oldest_snapshot"; });
  const bool slows = snapshot != signals_.end() && snapshot->value >= snapshot->limit;
  if (hot_share >= 0 && hot_share < 0.7 && !slows) {
    group_blocks_ = std::min(most_group_blocks_, group_blocks_ * 2);
  }
  const std::int64_t fair = blocks / (std::int64_t{2} * std::max(1, wanted_workers()));
  return std::clamp<std::int64_t>(fair, 256, group_blocks_);
}

void CopyWatch::look() {
  const TimePoint now = context_.clock.monotonic();
  if (looked_ != TimePoint{} && now - looked_ < kLookEvery) return;
  const std::int64_t revision = control_.revision;
  control_ = CopyJournal(*context_.session, context_.run).control();
  if (control_.revision != revision) read_ = {};  // another limit is another signal
  looked_ = context_.clock.monotonic();
  probes_.push_back(milliseconds_between(now, looked_));
  if (probes_.size() > kProbes) probes_.erase(probes_.begin());
  if (read_ != TimePoint{} && looked_ - read_ < kSignalsEvery) return;
  try {
    read_signals();
    read_ = looked_;
  } catch (const pg::SqlError& error) {
    log_debug(fmt::format("the signals could not be read: {}", error.what()));
    grow_stale(looked_);
  }
}

void CopyWatch::grow_stale(TimePoint now) {
  for (Signal& signal : signals_) {
    if (signal.reading == Signal::Reading::kAbsent || signal.reading == Signal::Reading::kUnreadable) continue;
    if (now - read_ > kStaleAfter) signal.reading = Signal::Reading::kStale;
    if (now - read_ > kLostAfter) signal.reading = Signal::Reading::kLost;
  }
}

void CopyWatch::read_signals() {
  std::vector<Signal> signals;
  read_replicas(signals);
  read_sessions(signals);
  Signal probe = signal_of("probe_latency", Signal::Kind::kHolds, kProbeMilliseconds, "ms");
  std::vector<double> sorted = probes_;
  std::sort(sorted.begin(), sorted.end());
  if (!sorted.empty()) see(probe, std::to_string(sorted[sorted.size() / 2]));
  signals.push_back(probe);
  read_condition(signals);
  signals_ = std::move(signals);
}

void CopyWatch::read_replicas(std::vector<Signal>& signals) {
  static const std::string kQuery =
      // Whoever replays nothing is a backup or an archive of WAL: it may come and go.
      "WITH standby AS (SELECT r.* FROM pg_catalog.pg_stat_replication AS r WHERE r.state IS NULL OR r.replay_lsn IS "
      "NOT "
      "NULL), "
      "physical AS (SELECT s.pid FROM standby AS s WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots AS l "
      "WHERE l.active_pid = s.pid AND l.slot_type = 'logical')), "
      "segment AS (SELECT s.setting::bigint AS bytes FROM pg_catalog.pg_settings AS s WHERE s.name = "
      "'wal_segment_size'), "
      "archived AS (SELECT ('x' || substr(a.last_archived_wal, 9, 8))::bit(32)::bigint * (4294967296 / g.bytes) + "
      "('x' || substr(a.last_archived_wal, 17, 8))::bit(32)::bigint AS number FROM pg_catalog.pg_stat_archiver AS a, "
      "segment AS g WHERE pg_catalog.current_setting('archive_mode') <> 'off' AND a.last_archived_wal ~ "
      "'^[0-9A-F]{24}'), "
      "written AS (SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::numeric AS bytes) "
      "SELECT (SELECT count(*) FROM standby), (SELECT count(*) FROM standby WHERE state IS NULL), "
      "(SELECT count(*) FROM physical), "
      "(SELECT max(extract(epoch FROM replay_lag))::float8 FROM standby), "
      "(SELECT application_name FROM standby ORDER BY replay_lag DESC NULLS LAST LIMIT 1), "
      "(SELECT min(safe_wal_size) FROM pg_catalog.pg_replication_slots), "
      "(SELECT slot_name FROM pg_catalog.pg_replication_slots ORDER BY safe_wal_size NULLS LAST LIMIT 1), "
      "(SELECT greatest(pg_catalog.floor(w.bytes / g.bytes) - a.number - 1, 0)::bigint "
      "FROM archived AS a, written AS w, segment AS g)";
  const pg::Rows rows = read_briefly(*context_.session, kQuery, {});
  const auto limit = control_.limits.max_lag.value_or(CopyDefaults::kMaxLag);
  Signal lag = signal_of("replica_lag", Signal::Kind::kHolds, static_cast<double>(limit.count()) / 1000.0, "s");
  const std::int64_t replicas = rows.number(0, 0);
  const std::int64_t standbys = rows.number(0, 2);
  const bool hidden = replicas > 0 && rows.number(0, 1) == replicas;
  if (hidden) {
    hide(lag);
  } else if (standbys < standbys_seen_) {
    lag.reading = Signal::Reading::kLost;
    lag.detail =
        fmt::format("{} of {} standbys are connected; throttle --max-lag 0 looks away", standbys, standbys_seen_);
  } else if (replicas > 0) {
    see(lag, rows.rows[0][3].value_or("0"), rows.rows[0][4].value_or(""));
  }
  // Whoever looks away forgets the standby that is gone. Of what is hidden nobody can tell that it was a standby.
  if (!hidden) standbys_seen_ = limit.count() == 0 ? standbys : std::max(standbys_seen_, standbys);
  signals.push_back(lag);

  // As a share of what it may come near to: 1 when only the headroom is left.
  Signal slot = signal_of("slot_headroom", Signal::Kind::kHolds, 1, "of its limit used");
  if (rows.rows[0][5]) {
    const double safe = std::max(1.0, std::stod(*rows.rows[0][5]));
    see(slot, std::to_string(kSlotHeadroom / safe), rows.rows[0][6].value_or(""));
  }
  signals.push_back(slot);

  Signal archiver = signal_of("archiver_backlog", Signal::Kind::kHolds, kArchiverSegments, "segments");
  see(archiver, rows.rows[0][7]);
  signals.push_back(archiver);
}

void CopyWatch::read_sessions(std::vector<Signal>& signals) {
  static const std::string kQuery = fmt::format(
      "WITH other AS (SELECT a.* FROM pg_catalog.pg_stat_activity AS a WHERE a.pid NOT IN {0}), "
      // A transaction that has written holds back what can be pruned even when it is idle and has no snapshot; others'
      // snapshots then begin with it, so of equals it is the one to name.
      "horizon AS (SELECT x.xid, o.xact_start AS since, format('pid %s, %s, %s', o.pid, o.usename, "
      "coalesce(nullif(o.application_name, ''), 'no name')) AS who, x.wrote FROM other AS o, LATERAL (VALUES "
      "(o.backend_xmin, false), (o.backend_xid, true)) AS x (xid, wrote) WHERE x.xid IS NOT NULL "
      "AND (o.datname IS NULL OR o.datname = pg_catalog.current_database()) AND o.query NOT LIKE 'autovacuum:%' "
      "UNION ALL SELECT p.transaction, p.prepared, 'prepared transaction ' || p.gid, true FROM "
      "pg_catalog.pg_prepared_xacts AS p WHERE p.database = pg_catalog.current_database() "
      "UNION ALL SELECT s.xmin, NULL, 'replication slot ' || s.slot_name, false FROM pg_catalog.pg_replication_slots "
      "AS s "
      "WHERE s.xmin IS NOT NULL), "
      "oldest AS (SELECT h.* FROM horizon AS h ORDER BY pg_catalog.age(h.xid) DESC, h.wrote DESC LIMIT 1) "
      "SELECT (SELECT count(*) FROM other WHERE state = 'active' AND backend_type = 'client backend'), "
      "(SELECT count(*) FROM other WHERE usename IS NOT NULL AND state IS NULL AND backend_type IS NULL), "
      "pg_catalog.current_setting('max_connections')::bigint, "
      "(SELECT count(DISTINCT l.pid) FROM pg_catalog.pg_locks AS l WHERE NOT l.granted AND l.pid NOT IN {0}), "
      "(SELECT xid::text FROM oldest), (SELECT extract(epoch FROM pg_catalog.clock_timestamp() - since)::float8 FROM "
      "oldest), (SELECT who FROM oldest), "
      "(SELECT min(l.pid) FROM pg_catalog.pg_locks AS l WHERE l.locktype = 'relation' AND l.granted AND l.mode = "
      "'ShareUpdateExclusiveLock' AND l.relation = pg_catalog.to_regclass($2)::oid AND l.database = (SELECT d.oid FROM "
      "pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()) AND l.pid NOT IN {0})",
      kOurs);
  const pg::Rows rows = read_briefly(*context_.session, kQuery, {context_.run, step_.copy->relation});
  const bool hidden = rows.number(0, 1) > 0;
  const TimePoint now = context_.clock.monotonic();

  Signal active = signal_of("active_sessions", Signal::Kind::kHolds,
                            std::max(16.0, static_cast<double>(rows.number(0, 2)) / 2), "sessions");
  hidden ? hide(active) : see(active, rows.rows[0][0]);
  signals.push_back(active);

  Signal waiters = signal_of("lock_waiters", Signal::Kind::kHolds, kLockWaiters, "sessions");
  see(waiters, rows.rows[0][3]);
  signals.push_back(waiters);

  // What holds the horizon may have no start of its own (a slot, a standby's feedback): then it counts from the look
  // that first met it.
  Signal snapshot = signal_of("oldest_snapshot", Signal::Kind::kSlows, kSnapshotSeconds, "s");
  const std::string xid = rows.rows[0][4].value_or("");
  if (xid != horizon_) {
    horizon_ = xid;
    horizon_since_ = now;
  }
  if (xid.empty() && hidden) {
    hide(snapshot);
  } else {
    const double seen = xid.empty() ? 0 : milliseconds_between(horizon_since_, now) / 1000;
    const double age = rows.rows[0][5] ? std::max(seen, std::stod(*rows.rows[0][5])) : seen;
    see(snapshot, std::to_string(age), rows.rows[0][6].value_or(""));
  }
  signals.push_back(snapshot);

  Signal vacuum = signal_of("vacuum_of_table", Signal::Kind::kSlows, 1, "");
  see(vacuum, rows.rows[0][7] ? "1" : "0", rows.rows[0][7] ? fmt::format("pid {}", *rows.rows[0][7]) : "");
  signals.push_back(vacuum);
}

void CopyWatch::read_condition(std::vector<Signal>& signals) {
  const std::string condition = control_.limits.hold_while.value_or("");
  Signal signal = signal_of("condition", Signal::Kind::kHolds, condition.empty() ? 0 : 1, "");
  if (!condition.empty()) {
    try {
      const pg::Rows rows = read_briefly(*context_.session, condition, {});
      const std::string answer = rows.empty() || !rows.rows[0][0] ? "f" : *rows.rows[0][0];
      const bool holds = answer != "f" && answer != "0" && answer != "false";
      see(signal, holds ? "1" : "0", condition);
    } catch (const pg::SqlError& error) {
      signal.reading = Signal::Reading::kLost;
      signal.detail = error.what();
    }
  }
  signals.push_back(signal);
}

}  // namespace falsework
