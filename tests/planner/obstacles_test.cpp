#include "planner/obstacles.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "postgres/catalog/introspect.h"
#include "tests/support/server.h"

namespace falsework::test {
namespace {

std::string refusal_of(const TestDatabase& database, const std::string& declaration) {
  pg::ConnectionSettings settings;
  settings.conninfo = database.url();
  settings.application_name = "falsework test";
  const auto session = pg::connect(settings);
  const Migration migration = read_declaration(declaration, "m.sql");
  try {
    make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
  } catch (const Error& error) {
    return error.what();
  }
  return "not refused";
}

}  // namespace

TEST_SUITE("planner/obstacles") {
  TEST_CASE("a constraint that the server does not hold to in full is not carried as if it did") {
    const auto& majors = Server::majors();
    if (std::find(majors.begin(), majors.end(), 18) == majors.end()) return;
    TestDatabase database(Server::of(18));
    database.exec(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a int, b int,"
        " CONSTRAINT loose FOREIGN KEY (a) REFERENCES p NOT ENFORCED);"
        "ALTER TABLE t ADD CONSTRAINT late NOT NULL b NOT VALID");
    CHECK(
        refusal_of(database, "ALTER TABLE t RENAME COLUMN a TO c;") ==
        "m.sql:1: cannot move t.a to a new column: foreign key loose of t is not enforced, and its new form would be");
    CHECK(refusal_of(database, "ALTER TABLE t RENAME COLUMN b TO c;") ==
          "m.sql:1: cannot move t.b to a new column: not-null constraint late is not validated: validate it first");
    CHECK(refusal_of(database, "ALTER TABLE t ALTER COLUMN b SET NOT NULL;") ==
          "m.sql:1: t.b has the not-null constraint late already, which is not validated");
  }
}

}  // namespace falsework::test
