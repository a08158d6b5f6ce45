#include "executor/locks/holders.h"

#include <fmt/format.h>

#include "base/duration.h"
#include "base/identifier.h"
#include "base/redact.h"

namespace falsework {

namespace {

constexpr std::size_t kQueryBytes = 80;

// One row per lock held: the conflict table is ours, so that modes travel as text. A prepared transaction is found by
// the lock on its own id: since the minors of 2021 it keeps the virtual id of the session that prepared it (PG source,
// MarkAsPreparingGuts), so that the join of the manual finds it no more. What kind of backend another one is, is hidden
// from a role without pg_read_all_stats; but a vacuum worker alone has no user.
constexpr const char* kQuery = R"(
SELECT coalesce(l.pid, 0), coalesce(p.gid, ''), coalesce(a.usename, p.owner, ''), coalesce(a.application_name, ''),
       coalesce(a.state, ''), coalesce(a.query, ''), w.relation, l.mode,
       (extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared)) * 1000)::bigint,
       coalesce(a.backend_type = 'autovacuum worker',
                l.pid IS NOT NULL AND a.usesysid IS NULL AND l.mode = 'ShareUpdateExclusiveLock')
FROM (VALUES {}) AS w (relation, modes)
JOIN pg_catalog.pg_locks AS l ON l.relation = pg_catalog.to_regclass(w.relation)
 AND l.locktype = 'relation' AND l.granted AND l.mode = ANY (w.modes)
 AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_locks AS x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.granted
 AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = x.transactionid
WHERE l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
ORDER BY coalesce(a.xact_start, p.prepared), l.pid, l.mode)";

// Those whom one backend waits for, also when they themselves only stand before it in the queue.
constexpr const char* kBlockers = R"(
SELECT b.pid, '', coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
       coalesce(a.query, ''), coalesce(w.relation::pg_catalog.regclass::text, w.locktype), coalesce(h.mode, w.mode),
       (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint,
       coalesce(a.backend_type = 'autovacuum worker', a.usesysid IS NULL AND h.mode = 'ShareUpdateExclusiveLock', false),
       h.mode IS NULL AND w.locktype = 'relation'
FROM (SELECT * FROM pg_catalog.pg_locks WHERE pid = $1::integer AND NOT granted LIMIT 1) AS w
CROSS JOIN LATERAL (SELECT DISTINCT u FROM unnest(pg_catalog.pg_blocking_pids($1::integer)) AS u) AS b (pid)
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = b.pid
LEFT JOIN LATERAL (SELECT l.mode FROM pg_catalog.pg_locks AS l WHERE l.pid = b.pid AND l.granted
  AND l.locktype = 'relation' AND l.database = w.database AND l.relation = w.relation
  ORDER BY array_position($2::text[], l.mode) DESC LIMIT 1) AS h ON true
ORDER BY a.xact_start, b.pid)";

std::string all_modes() {
  std::string modes;
  for (int i = 0; i <= static_cast<int>(pg::LockMode::kAccessExclusive); ++i) {
    modes += fmt::format("{}{}", modes.empty() ? "" : ",", pg::name(static_cast<pg::LockMode>(i)));
  }
  return "{" + modes + "}";
}

std::string conflicting_modes(pg::LockMode mode) {
  std::string modes;
  for (int i = 0; i <= static_cast<int>(pg::LockMode::kAccessExclusive); ++i) {
    const auto other = static_cast<pg::LockMode>(i);
    if (!pg::conflicts(mode, other)) continue;
    modes += fmt::format("{}{}", modes.empty() ? "" : ",", pg::name(other));
  }
  return "{" + modes + "}";
}

// What stands between quotation marks may be anybody's data.
std::string without_literals(const std::string& query) {
  std::string text;
  bool quoted = false;
  for (const char c : query) {
    if (c == '\'') {
      if (!quoted) text += "'…'";
      quoted = !quoted;
    } else if (!quoted) {
      text += c == '\n' || c == '\t' ? ' ' : c;
    }
  }
  return redact(text);
}

std::string cut(const std::string& query) {
  const std::string text = without_literals(query);
  const std::string_view head = cut_utf8(text, kQueryBytes);
  return head.size() < text.size() ? std::string(head) + "…" : text;
}

Holder read_holder(const pg::Rows& rows, std::size_t i) {
  Holder holder;
  holder.pid = static_cast<int>(rows.number(i, 0));
  holder.gid = rows.text(i, 1);
  holder.user = rows.text(i, 2);
  holder.application = rows.text(i, 3);
  holder.state = rows.text(i, 4);
  holder.to_prevent_wraparound = rows.text(i, 5).find("(to prevent wraparound)") != std::string::npos;
  holder.query = cut(rows.text(i, 5));
  holder.relation = rows.text(i, 6);
  holder.mode = rows.text(i, 7);
  if (rows.rows[i][8]) holder.age = std::chrono::milliseconds(rows.number(i, 8));
  holder.autovacuum = rows.boolean(i, 9);
  return holder;
}

}  // namespace

std::vector<Holder> find_holders(pg::Session& session, const std::vector<pg::TakenLock>& locks) {
  std::vector<Holder> holders;
  if (locks.empty()) return holders;
  std::string wanted;
  std::vector<pg::Value> parameters;
  for (const pg::TakenLock& lock : locks) {
    parameters.emplace_back(sql_name(lock.relation));
    parameters.emplace_back(conflicting_modes(lock.mode));
    wanted +=
        fmt::format("{}(${}::text, ${}::text[])", wanted.empty() ? "" : ", ", parameters.size() - 1, parameters.size());
  }
  const pg::Rows rows = session.query(fmt::format(kQuery, wanted), parameters);
  for (std::size_t i = 0; i < rows.size(); ++i) holders.push_back(read_holder(rows, i));
  return holders;
}

std::vector<Holder> find_blockers(pg::Session& session, int pid, const std::vector<pg::TakenLock>& locks) {
  const pg::Rows rows = session.query(kBlockers, {std::to_string(pid), all_modes()});
  std::vector<Holder> found;
  bool prepared = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Holder holder = read_holder(rows, i);
    holder.waits = rows.boolean(i, 10);
    // The server says 0 of every prepared transaction.
    prepared = prepared || holder.pid == 0;
    if (holder.pid != 0) found.push_back(std::move(holder));
  }
  if (!prepared) return found;
  for (Holder& holder : find_holders(session, locks)) {
    if (holder.pid == 0) found.push_back(std::move(holder));
  }
  return found;
}

std::string describe(const Holder& holder) {
  const std::string age = holder.age ? " for " + humanize(*holder.age) : std::string();
  // A concurrent build waits for the end of a whole transaction, whatever that holds.
  const bool whole = holder.relation == "virtualxid" || holder.relation == "transactionid";
  const std::string held = whole ? "has a transaction open" + age
                                 : fmt::format("{} {} on {}{}", holder.waits ? "waits before us for" : "holds",
                                               holder.mode, holder.relation, age);
  if (holder.pid == 0) {
    return fmt::format("prepared transaction {} ({}) {}: end it with COMMIT PREPARED or ROLLBACK PREPARED", holder.gid,
                       holder.user, held);
  }
  std::string who = holder.user;
  if (!holder.application.empty()) who += (who.empty() ? "" : ", ") + holder.application;
  if (holder.autovacuum) who = holder.to_prevent_wraparound ? "autovacuum to prevent wraparound" : "autovacuum";
  std::string line = fmt::format("pid {} ({}) {}", holder.pid, who, held);
  if (!holder.state.empty()) line += ", " + holder.state;
  if (!holder.query.empty()) line += ": " + holder.query;
  return line;
}

std::string sql_name(const std::string& display) {
  bool quoted = false;
  for (const char c : display) {
    if (c == '"') quoted = !quoted;
    if (c == '.' && !quoted) return display;
  }
  return "public." + display;
}

}  // namespace falsework
