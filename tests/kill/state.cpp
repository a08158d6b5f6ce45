#include "tests/kill/state.h"

#include <set>

namespace falsework::test {
namespace {

std::string lines(const std::vector<std::string>& wanted, const std::vector<std::string>& found) {
  std::string text;
  for (const std::string& line : row_differences(wanted, found)) text += "\n" + line;
  return text;
}

std::vector<std::string> rows_or_none(const DatabaseState& state, const std::string& table) {
  const auto found = state.rows.find(table);
  return found == state.rows.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace

DatabaseState state_of(const TestDatabase& database, const OracleOptions& options) {
  Client client = database.connect_as_superuser();
  DatabaseState state;
  state.catalog = catalog_rows(client, options);
  for (const Row& row :
       client.query("SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c JOIN "
                    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN "
                    "('pg_catalog', "
                    "'information_schema', 'falsework')")) {
    state.rows[*row[0]] = table_rows(client, *row[0]);
  }
  return state;
}

std::string difference(const DatabaseState& wanted, const DatabaseState& found) {
  std::string text = lines(wanted.catalog, found.catalog);
  std::set<std::string> tables;
  for (const auto* state : {&wanted, &found}) {
    for (const auto& [table, rows] : state->rows) tables.insert(table);
  }
  for (const std::string& table : tables) {
    const std::string differing = lines(rows_or_none(wanted, table), rows_or_none(found, table));
    if (!differing.empty()) text += "\nrows of " + table + ":" + differing;
  }
  return text;
}

}  // namespace falsework::test
