// The promise of every plan: back from every phase is as before, the end is as declared.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

#include "tests/examples/example.h"
#include "tests/oracle/catalog_oracle.h"

namespace falsework::test {
namespace {

std::vector<std::string> catalog(const TestDatabase& database, bool ignore_column_order) {
  Client client = database.connect_as_superuser();
  OracleOptions options;
  options.ignore_column_order = ignore_column_order;
  return catalog_rows(client, options);
}

bool fills_for_good(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [](const Step& step) { return step.undo_note.find("filled stay") != std::string::npos; });
}

// Of every table, each row with its table's name.
std::vector<std::string> rows(const TestDatabase& database) {
  Client client = database.connect_as_superuser();
  std::vector<std::string> all;
  std::stringstream tables(client.value(
      "SELECT string_agg(c.oid::regclass::text, E'\n' ORDER BY c.oid::regclass::text) FROM pg_class c JOIN "
      "pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND "
      "n.nspname NOT IN ('information_schema', 'falsework')"));
  for (std::string table; std::getline(tables, table);) {
    for (const std::string& row : table_rows(client, table)) all.push_back(table + ": " + row);
  }
  return all;
}

std::string differences(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::string text;
  for (const std::string& row : row_differences(before, after)) text += "\n" + row;
  return text;
}

// The last phases of a plan's steps that can still be undone. What comes back from an archive is looked at by itself.
std::vector<Phase> phases_with_a_way_back(const Plan& plan) {
  std::set<Phase> phases;
  for (const Step& step : plan.steps) {
    if (step.irreversible || !step.archives.empty()) break;
    phases.insert(step.phase);
  }
  const bool ends_with_loss = std::any_of(plan.steps.begin(), plan.steps.end(),
                                          [](const Step& step) { return step.irreversible || !step.archives.empty(); });
  if (ends_with_loss) phases.erase(Phase::kContract);
  return {phases.begin(), phases.end()};
}

}  // namespace

TEST_SUITE("tests/examples") {
  TEST_CASE("rolling back from every phase gives the catalog of before") {
    for (const int major : Server::majors()) {
      Server& server = Server::of(major);
      for (const Example& each : examples()) {
        CAPTURE(major);
        CAPTURE(each.name);
        TestDatabase database(server);
        database.exec(each.before);
        const auto before = catalog(database, false);
        const Plan plan = plan_of(each, snapshot_of(each, database.url()));
        for (const Phase phase : phases_with_a_way_back(plan)) {
          CAPTURE(name(phase));
          Run run(database, plan);
          run.advance_to(phase);
          CHECK(run.rollback() == Outcome::kRolledBack);
          const auto after = catalog(database, false);
          CHECK_MESSAGE(before == after, differences(before, after));
        }
      }
    }
  }

  TEST_CASE("running to the end gives the catalog and the rows of the naive DDL") {
    for (const int major : Server::majors()) {
      Server& server = Server::of(major);
      for (const Example& each : examples()) {
        CAPTURE(major);
        CAPTURE(each.name);
        TestDatabase database(server);
        database.exec(each.before);
        const TestDatabase naive = database.clone();
        const Plan plan = plan_of(each, snapshot_of(each, database.url()));
        Run run(database, plan);
        CHECK(run.advance_to_end() == Outcome::kDone);
        naive.exec(naive_of(each, plan));
        const auto wanted = catalog(naive, true);
        const auto found = catalog(database, true);
        CHECK_MESSAGE(wanted == found, differences(wanted, found));
      }
    }
  }

  TEST_CASE("with an archive, rolling back from the end gives the catalog and the rows of before") {
    for (const int major : Server::majors()) {
      Server& server = Server::of(major);
      int archived = 0;
      for (const Example& each : examples()) {
        CAPTURE(major);
        CAPTURE(each.name);
        TestDatabase database(server);
        database.exec(each.before);
        const auto plan = archiving_plan_of(each, snapshot_of(each, database.url()));
        if (!plan) continue;
        ++archived;
        const auto before = catalog(database, true);
        const auto rows_before = rows(database);
        Run run(database, *plan);
        CHECK(run.advance_to_end() == Outcome::kDone);
        CHECK(run.rollback() == Outcome::kRolledBack);
        const auto after = catalog(database, true);
        CHECK_MESSAGE(before == after, differences(before, after));
        CHECK(database.connect().value("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_fw\\_%'") == "0");
        const auto rows_after = rows(database);
        // NULLs of a column that stays are filled for good, as the plan says.
        if (fills_for_good(*plan)) continue;
        CHECK_MESSAGE(rows_before == rows_after, differences(rows_before, rows_after));
      }
      CHECK((archived > 8 || std::getenv("FALSEWORK_TEST_EXAMPLES") != nullptr));
    }
  }

  TEST_CASE("planning twice, and from a saved snapshot, gives the same bytes") {
    Server& server = Server::any();
    for (const Example& each : examples()) {
      CAPTURE(each.name);
      TestDatabase database(server);
      database.exec(each.before);
      database.exec("ANALYZE");  // or an autovacuum does, between two looks
      const pg::Snapshot live = snapshot_of(each, database.url());
      const std::string once = render_plan(plan_of(each, live));
      const std::string again = render_plan(plan_of(each, snapshot_of(each, database.url())));
      const std::string saved =
          render_plan(plan_of(each, pg::parse_snapshot(pg::render_snapshot(live), "snapshot.json")));
      CHECK(once == again);
      CHECK(once == saved);
    }
  }
}

}  // namespace falsework::test
