#include "postgres/health/server_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "postgres/health/health.h"

namespace falsework::pg {

namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kKilobyte = 1024;

std::optional<std::int64_t> optional_number(const Rows& rows, std::size_t i, std::size_t column) {
  if (!rows.rows[i][column]) return std::nullopt;
  return rows.number(i, column);
}

std::vector<OpenTransaction> read_transactions(Session& session) {
  std::vector<OpenTransaction> found;
  const Rows rows = session.query(
      "SELECT a.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.state, ''), "
      "(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint FROM pg_stat_activity AS a "
      "WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.backend_type = 'client backend' "
      "AND a.xact_start IS NOT NULL ORDER BY a.xact_start, a.pid");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    found.push_back({static_cast<int>(rows.number(i, 0)), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3),
                     milliseconds(rows.number(i, 4))});
  }
  return found;
}

std::vector<PreparedTransaction> read_prepared(Session& session) {
  std::vector<PreparedTransaction> found;
  const Rows rows = session.query(
      "SELECT p.gid, p.owner, (extract(epoch FROM clock_timestamp() - p.prepared) * 1000)::bigint "
      "FROM pg_prepared_xacts AS p WHERE p.database = current_database() ORDER BY p.prepared, p.gid");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    found.push_back({rows.text(i, 0), rows.text(i, 1), milliseconds(rows.number(i, 2))});
  }
  return found;
}

std::vector<ReplicationSlot> read_slots(Session& session) {
  std::vector<ReplicationSlot> found;
  const Rows rows = session.query(
      "SELECT s.slot_name, s.active, coalesce(s.wal_status, ''), "
      "coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::bigint, s.safe_wal_size "
      "FROM pg_replication_slots AS s ORDER BY s.slot_name");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    found.push_back(
        {rows.text(i, 0), rows.boolean(i, 1), rows.text(i, 2), rows.number(i, 3), optional_number(rows, i, 4)});
  }
  return found;
}

std::vector<Standby> read_standbys(Session& session) {
  std::vector<Standby> found;
  const Rows rows = session.query(
      "SELECT coalesce(r.application_name, ''), coalesce(r.state, ''), "
      "(extract(epoch FROM r.replay_lag) * 1000)::bigint, pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)::bigint "
      "FROM pg_stat_replication AS r ORDER BY 1, r.pid");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Standby standby{rows.text(i, 0), rows.text(i, 1), std::nullopt, optional_number(rows, i, 3)};
    if (const auto lag = optional_number(rows, i, 2)) standby.replay_lag = milliseconds(*lag);
    found.push_back(std::move(standby));
  }
  return found;
}

// The server stops giving out transactions three million before the wraparound (PG source, SetTransactionIdLimit), and
// multixacts likewise.
void read_headroom(Session& session, ServerFacts& facts) {
  constexpr std::int64_t kLimit = 2147483647 - 3000000;
  const Rows rows = session.query(
      "SELECT max(age(d.datfrozenxid))::bigint, max(mxid_age(d.datminmxid))::bigint FROM pg_database AS d");
  facts.xid_headroom = kLimit - rows.number(0, 0);
  facts.multixact_headroom = kLimit - rows.number(0, 1);
}

void read_settings(Session& session, ServerFacts& facts) {
  const Rows rows = session.query(
      "SELECT (SELECT s.setting FROM pg_settings AS s WHERE s.name = 'maintenance_work_mem'), "
      "(SELECT s.setting FROM pg_settings AS s WHERE s.name = 'temp_file_limit'), "
      "pg_database_size(current_database())");
  facts.maintenance_work_mem = rows.number(0, 0) * kKilobyte;
  if (rows.number(0, 1) >= 0) facts.temp_file_limit = rows.number(0, 1) * kKilobyte;
  facts.database_bytes = rows.number(0, 2);
}

std::string array_of(const std::vector<std::string>& values) {
  return schema_parameter({values});  // an array literal of texts
}

// No function of the server tells it. On the server's own machine the file system does, if the role may know the
// directory.
void read_free_space(Session& session, const std::vector<std::string>& relations, ServerFacts& facts) {
  const Rows rows = session.query("SELECT inet_server_addr() IS NULL, pg_has_role('pg_read_all_settings', 'USAGE')");
  if (!rows.boolean(0, 0)) {
    facts.free_unknown = "the server is reached over the network, and no function of PostgreSQL tells it";
    return;
  }
  if (!rows.boolean(0, 1)) {
    facts.free_unknown = fmt::format("role {} may not know the data directory (pg_read_all_settings)", facts.role);
    return;
  }
  const Rows places = session.query(
      "SELECT current_setting('data_directory') UNION SELECT pg_tablespace_location(c.reltablespace) FROM "
      "unnest($1::text[]) AS w (name) JOIN pg_class AS c ON c.oid = to_regclass(w.name) WHERE c.reltablespace <> 0 "
      "AND pg_tablespace_location(c.reltablespace) <> ''",
      {array_of(relations)});
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::error_code failure;
    const std::filesystem::space_info space = std::filesystem::space(places.text(i, 0), failure);
    if (failure) {
      facts.free_bytes.reset();
      facts.free_unknown = fmt::format("the directory {} cannot be seen from here", places.text(i, 0));
      return;
    }
    const auto free = static_cast<std::int64_t>(space.available);
    facts.free_bytes = std::min(facts.free_bytes.value_or(free), free);
  }
}

}  // namespace

ServerFacts read_server_facts(Session& session, const std::vector<std::string>& relations) {
  ServerFacts facts;
  const Rows who = session.query("SELECT pg_is_in_recovery(), current_user, pg_has_role('pg_read_all_stats', 'USAGE')");
  facts.in_recovery = who.boolean(0, 0);
  facts.role = who.text(0, 1);
  facts.sees_all_statistics = who.boolean(0, 2);
  if (facts.in_recovery) return facts;
  facts.transactions = read_transactions(session);
  facts.prepared = read_prepared(session);
  facts.slots = read_slots(session);
  facts.standbys = read_standbys(session);
  read_headroom(session, facts);
  read_settings(session, facts);
  read_free_space(session, relations, facts);
  return facts;
}

std::vector<RelationFacts> read_relation_facts(Session& session, const std::vector<std::string>& relations) {
  std::vector<RelationFacts> facts;
  const Rows rows = session.query(
      "SELECT w.name, c.oid IS NOT NULL, coalesce(pg_get_userbyid(c.relowner), ''), "
      "coalesce(pg_has_role(c.relowner, 'USAGE'), false), coalesce(has_schema_privilege(n.oid, 'CREATE'), false), "
      "coalesce(has_any_column_privilege(c.oid, 'REFERENCES'), false), coalesce(n.nspname, ''), "
      "coalesce(c.relpages, 0)::bigint * current_setting('block_size')::bigint "
      "FROM unnest($1::text[]) WITH ORDINALITY AS w (name, place) LEFT JOIN pg_class AS c ON c.oid = "
      "to_regclass(w.name) "
      "LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace ORDER BY w.place",
      {array_of(relations)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    facts.push_back({rows.text(i, 0), rows.boolean(i, 1), rows.text(i, 2), rows.boolean(i, 3), rows.boolean(i, 4),
                     rows.boolean(i, 5), rows.text(i, 6), rows.number(i, 7)});
  }
  return facts;
}

}  // namespace falsework::pg
