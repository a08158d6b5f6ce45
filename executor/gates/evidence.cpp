#include "executor/gates/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/identifier.h"
#include "postgres/sql/naming.h"

namespace falsework {

namespace {

constexpr const char* kHidden = "<insufficient privilege>";
constexpr std::size_t kShownStatement = 120;

struct Column {
  QualifiedName table;
  std::string relation, column;  // relation: for SQL
};

std::vector<Column> columns_of(pg::Session& session, const GateCondition& condition) {
  std::vector<Column> columns;
  for (const OldColumn& old : condition.old) {
    const pg::Rows rows = session.query(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
        "ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1)",
        {old.relation});
    if (!rows.empty()) columns.push_back({{rows.text(0, 0), rows.text(0, 1)}, old.relation, old.column});
  }
  return columns;
}

bool names_any(const std::string& statement, const std::vector<Column>& columns) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return pg::names_column(statement, column.table, column.column); });
}

std::string may_not_read_statements(pg::Session& session) {
  const std::string role = session.query("SELECT current_user").text(0, 0);
  return fmt::format("role {0} may not read the statements of other roles: GRANT pg_read_all_stats TO {1}", role,
                     quote_identifier(role));
}

std::string shortened(const std::string& statement) {
  std::string line;
  for (const char c : statement) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space || (!line.empty() && line.back() != ' ')) line += space ? ' ' : c;
  }
  const std::string cut(cut_utf8(line, kShownStatement));
  return cut.size() < line.size() ? cut + "…" : cut;
}

struct Activity {
  std::vector<std::string> users;
  int hidden = 0;
};

// Sessions whose present or last statement names an old column, or sets them to the old shape.
Activity read_activity(pg::Session& session, const std::vector<Column>& columns) {
  const pg::Rows rows = session.query(
      "SELECT a.pid::text, coalesce(a.usename, '?'), coalesce(nullif(a.application_name, ''), 'a session without "
      "name'), "
      "coalesce(pg_catalog.host(a.client_addr), 'local'), coalesce(a.query, '') FROM pg_catalog.pg_stat_activity AS a "
      "WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid() "
      "AND a.backend_type = 'client backend' AND a.application_name NOT LIKE 'falsework%' ORDER BY a.pid");
  Activity found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& query = rows.text(i, 4);
    if (query == kHidden) ++found.hidden;
    if (!names_any(query, columns) && !pg::sets_to(query, "falsework.shape", "old")) continue;
    found.users.push_back(fmt::format("{} (pid {}, user {}, from {})", rows.text(i, 2), rows.text(i, 0),
                                      rows.text(i, 1), rows.text(i, 3)));
  }
  return found;
}

// Where the extension's views are; empty when it is not installed in this database.
std::string statements_schema(pg::Session& session) {
  const pg::Rows rows = session.query(
      "SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace "
      "WHERE e.extname = 'pg_stat_statements'");
  return rows.empty() ? "" : quote_identifier(rows.text(0, 0));
}

// Changes whenever statements may have been forgotten: a call of one of them could not be seen.
std::string memory_of(pg::Session& session, const std::string& schema) {
  const std::string info = schema + ".pg_stat_statements_info";
  if (session.query("SELECT pg_catalog.to_regclass($1) IS NULL", {info}).boolean(0, 0)) return "unknown";
  const pg::Rows rows = session.query(fmt::format("SELECT dealloc::text || ' ' || stats_reset::text FROM {}", info));
  return rows.text(0, 0);
}

std::vector<std::string> catalog_dependents(pg::Session& session, const Column& column) {
  const pg::Rows rows = session.query(
      "SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_catalog.pg_depend AS d "
      "JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid "
      "LEFT JOIN pg_catalog.pg_trigger AS t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid "
      "WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = pg_catalog.to_regclass($1) "
      "AND a.attname = $2 AND d.classid = ANY (ARRAY['pg_catalog.pg_rewrite'::regclass, "
      "'pg_catalog.pg_proc'::regclass, "
      "'pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_trigger'::regclass, "
      "'pg_catalog.pg_publication_rel'::regclass]::oid[]) "
      "AND (t.tgname IS NULL OR pg_catalog.starts_with(t.tgname, '~_fw_') = false) ORDER BY 1",
      {column.relation, column.column});
  std::vector<std::string> found;
  for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows.text(i, 0));
  return found;
}

// A body of SQL is parsed. That of another language is judged by its tokens: it must name the column, and the table too
// unless it is a trigger function of the table.
std::vector<std::string> functions_naming(pg::Session& session, const Column& column) {
  const pg::Rows rows = session.query(
      "SELECT p.oid::regprocedure::text, l.lanname, p.prosrc, EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE "
      "t.tgrelid = pg_catalog.to_regclass($1) AND t.tgfoid = p.oid) FROM pg_catalog.pg_proc AS p "
      "JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang "
      "JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace "
      "WHERE l.lanname NOT IN ('internal', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
      "AND pg_catalog.strpos(pg_catalog.lower(p.prosrc), pg_catalog.lower($2)) > 0 "
      "AND NOT pg_catalog.starts_with(p.proname, '_fw_') "
      "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_proc'::regclass "
      "AND d.objid = p.oid AND d.deptype = 'e') ORDER BY 1",
      {column.relation, column.column});
  std::vector<std::string> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& body = rows.text(i, 2);
    const bool of_table = rows.boolean(i, 3);
    const bool names = rows.text(i, 1) == "sql" ? pg::names_column(body, column.table, column.column)
                                                : pg::mentions_name(body, column.column) &&
                                                      (of_table || pg::mentions_name(body, column.table.name));
    if (names) found.push_back(fmt::format("function {}", rows.text(i, 0)));
  }
  return found;
}

}  // namespace

Evidence read_counters(pg::Session& session, const GateCondition& condition) {
  Evidence found;
  std::set<std::string> counters;
  for (const OldColumn& old : condition.old) counters.insert(old.counter);
  for (const std::string& counter : counters) {
    const pg::Rows rows = session.query(fmt::format("SELECT last_value::text, is_called FROM {}", counter));
    found.value += fmt::format("{}={}{};", counter, rows.text(0, 0), rows.boolean(0, 1) ? "" : " untouched");
  }
  Activity activity = read_activity(session, columns_of(session, condition));
  found.users = std::move(activity.users);
  if (activity.hidden > 0) {
    found.users.push_back(
        fmt::format("{} sessions that cannot be looked at ({})", activity.hidden, may_not_read_statements(session)));
  }
  return found;
}

Evidence read_statements(pg::Session& session, const GateCondition& condition, const std::string& before) {
  Evidence found;
  const std::string schema = statements_schema(session);
  if (schema.empty()) {
    found.blind = "pg_stat_statements is not installed in this database: CREATE EXTENSION pg_stat_statements";
    return found;
  }
  if (session.query("SELECT coalesce(pg_catalog.current_setting('pg_stat_statements.track', true), '') = 'none'")
          .boolean(0, 0)) {
    found.blind = "pg_stat_statements.track is none";
    return found;
  }
  const std::vector<Column> columns = columns_of(session, condition);
  const pg::Rows rows = session.query(fmt::format(
      "SELECT coalesce(s.queryid::text, ''), s.userid::text, coalesce(pg_catalog.pg_get_userbyid(s.userid), "
      "'?'), s.query, sum(s.calls)::bigint FROM {}.pg_stat_statements AS s JOIN pg_catalog.pg_database AS d "
      "ON d.oid = s.dbid WHERE d.datname = pg_catalog.current_database() GROUP BY 1, 2, 3, 4",
      schema));
  const auto earlier = nlohmann::json::parse(before.empty() ? "{}" : before, nullptr, false);
  nlohmann::json now = {{"memory", memory_of(session, schema)}, {"calls", nlohmann::json::object()}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows.rows[i][3] || rows.text(i, 3) == kHidden) {
      found.blind = rows.rows[i][3] ? may_not_read_statements(session)
                                    : "the texts of pg_stat_statements cannot be read: look into the server's log";
      return found;
    }
    if (!names_any(rows.text(i, 3), columns)) continue;
    const std::string key = fmt::format("{}/{}", rows.text(i, 1), rows.text(i, 0));
    const std::int64_t calls = rows.number(i, 4);
    now["calls"][key] = calls;
    const bool known = earlier.is_object() && earlier.contains("calls") && earlier["calls"].value(key, -1) == calls;
    if (!known)
      found.users.push_back(fmt::format("{}, {} calls: {}", rows.text(i, 2), calls, shortened(rows.text(i, 3))));
  }
  found.value = now.dump();
  return found;
}

Evidence read_sessions(pg::Session& session, const GateCondition& condition) {
  Evidence found;
  const pg::Rows settings = session.query(
      "SELECT CASE WHEN s.setrole = 0 THEN 'database ' || pg_catalog.current_database() WHEN s.setdatabase = 0 THEN "
      "'role ' || pg_catalog.pg_get_userbyid(s.setrole) ELSE 'role ' || pg_catalog.pg_get_userbyid(s.setrole) || "
      "' in this database' END FROM pg_catalog.pg_db_role_setting AS s "
      "WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
      "pg_catalog.current_database())) AND 'falsework.shape=old' = ANY (s.setconfig) ORDER BY 1");
  for (std::size_t i = 0; i < settings.size(); ++i) {
    found.users.push_back(fmt::format("{} is set to falsework.shape = old", settings.text(i, 0)));
  }
  Activity activity = read_activity(session, columns_of(session, condition));
  for (std::string& user : activity.users) found.users.push_back(std::move(user));
  if (activity.hidden > 0) found.blind = may_not_read_statements(session);
  return found;
}

Evidence read_dependents(pg::Session& session, const GateCondition& condition) {
  Evidence found;
  for (const Column& column : columns_of(session, condition)) {
    for (std::string& object : catalog_dependents(session, column)) found.users.push_back(std::move(object));
    for (std::string& function : functions_naming(session, column)) found.users.push_back(std::move(function));
  }
  return found;
}

}  // namespace falsework
