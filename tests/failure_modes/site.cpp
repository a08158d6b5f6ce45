#include "tests/failure_modes/site.h"

#include <fmt/format.h>

#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "postgres/catalog/introspect.h"

namespace falsework::test {

Plan plan_in(const TestDatabase& database, const std::string& declaration) {
  pg::ConnectionSettings settings;
  settings.conninfo = database.url();
  settings.application_name = "falsework test";
  const auto session = pg::connect(settings);
  const Migration migration = read_declaration(declaration, "m.sql");
  return make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
}

std::string refusal_in(const TestDatabase& database, const std::string& declaration) {
  try {
    plan_in(database, declaration);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string warnings_of(const Plan& plan) {
  std::string all;
  for (const PlannedChange& change : plan.changes) {
    for (const std::string& warning : change.warnings) all += warning + "\n";
  }
  return all;
}

RenamedPapers::RenamedPapers(const std::string& more, int rows) : database_(Server::any()) {
  database_.exec(
      fmt::format("CREATE TABLE papers (id int PRIMARY KEY, label text, note text); INSERT INTO papers SELECT g, "
                  "'paper ' || g, 'n' FROM generate_series(1, {}) AS g; {}",
                  rows, more));
  run_ = std::make_unique<Run>(database_, plan_in(database_,
                                                  "-- falsework: name=papers switch=2026.12 contract=2027.01\n"
                                                  "ALTER TABLE papers RENAME COLUMN label TO title;"));
  run_->advance_to(Phase::kValidate);
}

std::string RenamedPapers::disagreeing() const {
  return database_.connect().value("SELECT count(*) FROM papers WHERE record_image_ne(ROW(label), ROW(title))");
}

}  // namespace falsework::test
