// What a plan refuses, or tells its reviewer, because something would go wrong later.
#include <doctest/doctest.h>

#include "plans/plan.h"
#include "tests/examples/example.h"
#include "tests/failure_modes/site.h"

namespace falsework::test {

namespace {

constexpr const char* kRename = "ALTER TABLE t RENAME COLUMN a TO b;";
constexpr const char* kTable = "CREATE TABLE t (id int PRIMARY KEY, a text);";

void check_refused(const std::string& schema, const std::string& expected, const std::string& as_superuser = "") {
  CAPTURE(schema);
  TestDatabase database(Server::any());
  database.exec(schema);
  if (!as_superuser.empty()) database.connect_as_superuser().exec(as_superuser);
  const std::string refusal = refusal_in(database, kRename);
  CAPTURE(refusal);
  CHECK(refusal.find(expected) != std::string::npos);
}

void check_warned(const std::string& schema, const std::string& expected, const std::string& as_superuser = "") {
  CAPTURE(schema);
  TestDatabase database(Server::any());
  database.exec(schema);
  if (!as_superuser.empty()) database.connect_as_superuser().exec(as_superuser);
  const std::string warnings = warnings_of(plan_in(database, kRename));
  CAPTURE(warnings);
  CHECK(warnings.find(expected) != std::string::npos);
}

}  // namespace

TEST_SUITE_BEGIN("failure_modes/plans");

TEST_CASE("a trigger that would fire after the dual write is refused by its name") {
  check_refused(std::string(kTable) +
                    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER "
                    "\"~~last\" BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
                "would fire after the dual write");
}

TEST_CASE("a publication's column list or row filter that names the column is refused") {
  if (Server::any().major() < 15) return;
  check_refused(kTable, "publication", "CREATE PUBLICATION p FOR TABLE public.t (id, a)");
  check_refused(kTable, "publication", "CREATE PUBLICATION p FOR TABLE public.t WHERE (a <> '')");
}

TEST_CASE("a published table is named as one whose subscribers must have the column first") {
  check_warned(kTable, "is published: add the new column on every subscriber first",
               "CREATE PUBLICATION p FOR TABLE public.t");
}

TEST_CASE("a table of an extension is refused") {
  check_refused(kTable, "it belongs to extension plpgsql", "ALTER EXTENSION plpgsql ADD TABLE public.t");
}

TEST_CASE("partitions, parents, children and foreign tables are refused as what they are") {
  check_refused("CREATE TABLE p (id int, a text) PARTITION BY LIST (id); CREATE TABLE t PARTITION OF p DEFAULT",
                "it is a partition");
  check_refused("CREATE TABLE t (id int, a text); CREATE TABLE c () INHERITS (t)", "c inherits from it");
}

TEST_CASE("a table that has used up its attribute numbers is refused before the server would") {
  check_refused(std::string(kTable) +
                    "DO $$BEGIN FOR i IN 1..1590 LOOP EXECUTE 'ALTER TABLE t ADD COLUMN x int'; EXECUTE 'ALTER TABLE t "
                    "DROP COLUMN x'; END LOOP; END$$",
                "of 1600 attribute slots");
}

TEST_CASE("a user's trigger that the copy would fire is named, with how to silence it") {
  check_warned(std::string(kTable) +
                   "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER "
                   "audit AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
               "fires trigger audit of t (f) once for each row");
}

TEST_CASE("row security of the table is told to the reviewer") {
  check_warned(std::string(kTable) + "ALTER TABLE t ENABLE ROW LEVEL SECURITY", "has row security");
}

TEST_CASE("a unique index that stands twice for a while is told to who writes with ON CONFLICT") {
  check_warned(std::string(kTable) + "CREATE UNIQUE INDEX u ON t (a)", "INSERT … ON CONFLICT");
}

TEST_CASE("an index that is invalid already is refused by its name") {
  check_refused(std::string(kTable) + "CREATE INDEX broken ON t (a)", "index broken is invalid",
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.broken'::regclass");
}

TEST_CASE("a function with an SQL body that reads the column is refused by its name") {
  check_refused(std::string(kTable) +
                    "CREATE FUNCTION g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(a) FROM "
                    "t; END",
                "function g()");
}

TEST_CASE("no trigger of a plan begins a subtransaction, and no step both writes rows and alters in a transaction") {
  int functions = 0;
  for (const Example& each : examples()) {
    CAPTURE(each.name);
    const Plan plan = parse_plan(each.file("plan.json"), each.name);
    for (const Step& step : plan.steps) {
      CAPTURE(step.id);
      std::vector<std::string> all = step.sql;
      if (step.undo) all.insert(all.end(), step.undo->begin(), step.undo->end());
      bool alters = false, writes = false;
      for (const std::string& sql : all) {
        const bool fires = sql.find("RETURNS pg_catalog.trigger") != std::string::npos;
        functions += fires ? 1 : 0;
        CHECK_FALSE((fires && sql.find("EXCEPTION") != std::string::npos));
        alters = alters || sql.rfind("ALTER TABLE", 0) == 0;
        writes = writes || sql.rfind("UPDATE", 0) == 0 || sql.rfind("INSERT", 0) == 0 || sql.rfind("DELETE", 0) == 0;
      }
      CHECK_FALSE((alters && writes));
    }
  }
  CHECK(functions > 0);
}

TEST_SUITE_END();

}  // namespace falsework::test
