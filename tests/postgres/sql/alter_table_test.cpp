#include "postgres/sql/alter_table.h"

#include <doctest/doctest.h>

#include "base/error.h"

TEST_SUITE_BEGIN("postgres/sql/alter_table");

namespace falsework::pg {
namespace {

template <typename Action>
const Action& only(const std::vector<WrittenChange>& changes) {
  REQUIRE(changes.size() == 1);
  REQUIRE(std::holds_alternative<Action>(changes.front().action));
  return std::get<Action>(changes.front().action);
}

std::string failure_of(const std::string& statement) {
  try {
    read_alter_table(statement);
  } catch (const Error& error) {
    return std::string(error.code()) + ": " + error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a rename of a column is read with and without the word COLUMN") {
  for (const std::string statement :
       {"ALTER TABLE users RENAME COLUMN email TO \"E mail\"", "alter table USERS rename Email to \"E mail\""}) {
    CAPTURE(statement);
    const std::vector<WrittenChange> changes = read_alter_table(statement);
    CHECK(only<WrittenRenameColumn>(changes).from == "email");
    CHECK(only<WrittenRenameColumn>(changes).to == "E mail");
    CHECK(changes.front().table.name == "users");
    CHECK_FALSE(changes.front().table.schema);
  }
  const std::vector<WrittenChange> changes = read_alter_table("ALTER TABLE \"App\".\"U\" RENAME a TO b;");
  CHECK(changes.front().table.schema == "App");
  CHECK(changes.front().table.name == "U");
}

TEST_CASE("a type change is read with its collation and conversion") {
  const std::vector<WrittenChange> plain = read_alter_table("ALTER TABLE t ALTER id TYPE int8");
  CHECK(only<WrittenColumnType>(plain).column == "id");
  CHECK(only<WrittenColumnType>(plain).type == "bigint");
  CHECK_FALSE(only<WrittenColumnType>(plain).collation);
  CHECK_FALSE(only<WrittenColumnType>(plain).using_expression);
  const std::vector<WrittenChange> full = read_alter_table(
      "ALTER TABLE t ALTER COLUMN c SET DATA TYPE varchar(20) COLLATE pg_catalog.\"C\" USING left(c, 20) || (NOT "
      "f)::text");
  CHECK(only<WrittenColumnType>(full).type == "character varying(20)");
  CHECK(only<WrittenColumnType>(full).collation == "pg_catalog.\"C\"");
  CHECK(only<WrittenColumnType>(full).using_expression == "(\"left\"(c, 20) || ((NOT f))::\"text\")");
}

TEST_CASE("SET NOT NULL is read") {
  CHECK(only<WrittenSetNotNull>(read_alter_table("ALTER TABLE t ALTER COLUMN \"Phone\" SET NOT NULL")).column ==
        "Phone");
}

TEST_CASE("a foreign key is read with everything that it says") {
  const std::vector<WrittenChange> plain = read_alter_table("ALTER TABLE o ADD FOREIGN KEY (user_id) REFERENCES users");
  const WrittenForeignKey& key = only<WrittenForeignKey>(plain);
  CHECK_FALSE(key.name);
  CHECK(key.columns == std::vector<std::string>{"user_id"});
  CHECK(key.references.name == "users");
  CHECK(key.referenced_columns.empty());
  CHECK(std::string{key.match, key.on_update, key.on_delete} == "saa");
  CHECK_FALSE(key.deferrable);
  CHECK_FALSE(key.not_valid);
  const std::vector<WrittenChange> long_form = read_alter_table(
      "ALTER TABLE o ADD CONSTRAINT \"Fk\" FOREIGN KEY (a, b) REFERENCES app.u (x, y) MATCH FULL ON UPDATE CASCADE "
      "ON DELETE SET NULL (b) DEFERRABLE INITIALLY DEFERRED NOT VALID");
  const WrittenForeignKey& full = only<WrittenForeignKey>(long_form);
  CHECK(full.name == "Fk");
  CHECK(full.columns == std::vector<std::string>{"a", "b"});
  CHECK(full.references.schema == "app");
  CHECK(full.referenced_columns == std::vector<std::string>{"x", "y"});
  CHECK(std::string{full.match, full.on_update, full.on_delete} == "fcn");
  CHECK(full.on_delete_columns == std::vector<std::string>{"b"});
  CHECK(full.deferrable);
  CHECK(full.initially_deferred);
  CHECK(full.not_valid);
}

TEST_CASE("several actions of one statement are read in order") {
  const std::vector<WrittenChange> changes = read_alter_table(
      "ALTER TABLE app.t ALTER a SET NOT NULL, ALTER b TYPE text, ADD FOREIGN KEY (c) REFERENCES u (id)");
  REQUIRE(changes.size() == 3);
  CHECK(std::holds_alternative<WrittenSetNotNull>(changes[0].action));
  CHECK(std::holds_alternative<WrittenColumnType>(changes[1].action));
  CHECK(std::holds_alternative<WrittenForeignKey>(changes[2].action));
  CHECK(changes[2].table.schema == "app");
}

TEST_CASE("what is not understood is refused by its name") {
  struct Case {
    std::string given, expected;
  };
  for (const Case& c : std::vector<Case>{
           {"ALTER TABLE IF EXISTS t RENAME a TO b",
            "IF EXISTS on t is not understood: a change names a table that exists"},
           {"ALTER TABLE ONLY t ALTER a SET NOT NULL",
            "ONLY t is not understood: a change is made to all parts of a table"},
           {"ALTER TABLE d.s.t RENAME a TO b", "the name d.s.t holds a database"},
           {"ALTER TABLE t DROP COLUMN a", "ALTER TABLE t DROP COLUMN is not understood"},
           {"ALTER TABLE t ALTER a SET NOT NULL, ADD COLUMN b int", "ALTER TABLE t ADD COLUMN is not understood"},
           {"ALTER TABLE t ALTER a DROP NOT NULL", "ALTER TABLE t DROP NOT NULL is not understood"},
           {"ALTER TABLE t ADD CHECK (a > 0)", "ALTER TABLE t ADD CHECK is not understood"},
           {"ALTER TABLE t ADD UNIQUE (a)", "ALTER TABLE t ADD UNIQUE is not understood"},
           {"ALTER TABLE t ADD PRIMARY KEY (a)", "ALTER TABLE t ADD PRIMARY KEY is not understood"},
           {"ALTER TABLE t RENAME TO u", "this RENAME is not understood (of t)"},
           {"ALTER TABLE t RENAME CONSTRAINT a TO b", "this RENAME is not understood (of t)"},
           {"ALTER VIEW v RENAME COLUMN a TO b", "this RENAME is not understood (of v)"},
           {"ALTER FOREIGN TABLE t ALTER a TYPE int", "`ALTER FOREIGN` is not understood"},
           {"ALTER INDEX i RENAME TO j", "this RENAME is not understood (of i)"},
           {"CREATE TABLE t ()", "`CREATE TABLE` is not understood"},
           {"DROP TABLE t", "`DROP TABLE` is not understood"},
           {"ALTER TABLE t ALTER a SET NOT NULL; DROP TABLE t", "not exactly one statement"},
           {"", "not exactly one statement"},
           {"ALTER TABLE t ALTER a TYPE serial", "serial is a shorthand of CREATE TABLE, not a type"},
           {"ALTER TABLE t ALTR a TYPE int", "`ALTER TABLE` is malformed: syntax error at or near \"ALTR\""}}) {
    CAPTURE(c.given);
    CHECK(failure_of(c.given) == "declaration.invalid: " + c.expected);
  }
}

}  // namespace falsework::pg

TEST_SUITE_END();
