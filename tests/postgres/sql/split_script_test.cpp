#include <doctest/doctest.h>

#include "base/error.h"
#include "postgres/sql/syntax.h"

TEST_SUITE_BEGIN("postgres/sql/split_script");

namespace falsework::pg {
namespace {

using Texts = std::vector<std::string>;

std::string failure_of(const std::string& sql) {
  try {
    split_script(sql, "change.sql");
  } catch (const Error& error) {
    return std::string(error.code()) + ": " + error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("statements know their text, their offset and their line") {
  const std::string sql = "\n  ALTER TABLE a\n RENAME x TO y ;\n;;\nALTER TABLE b RENAME x TO y; SELECT 'a;b'  ";
  const Script script = split_script(sql, "f");
  REQUIRE(script.statements.size() == 3);
  CHECK(script.statements[0].text == "ALTER TABLE a\n RENAME x TO y");
  CHECK(script.statements[0].line == 2);
  CHECK(script.statements[0].offset == 3);
  CHECK(script.statements[1].text == "ALTER TABLE b RENAME x TO y");
  CHECK(script.statements[1].line == 5);
  CHECK(script.statements[2].text == "SELECT 'a;b'");
  CHECK(script.statements[2].line == 5);
  CHECK(sql.substr(script.statements[2].offset, 6) == "SELECT");
}

TEST_CASE("comments belong to the statement that they stand before, in or behind") {
  const Script script = split_script(
      "-- set off\n\n-- falsework: name=x\n-- touches\nALTER TABLE a -- within\n /* block */ RENAME x TO y; -- behind\n"
      "-- before two\n\n-- and this\nSELECT 2 -- at the end\n; -- behind two\n-- left over\n",
      "f");
  CHECK(script.header == Texts{"set off", "falsework: name=x"});
  REQUIRE(script.statements.size() == 2);
  CHECK(script.statements[0].comments == Texts{"touches", "within", "block", "behind"});
  CHECK(script.statements[1].comments == Texts{"before two", "and this", "at the end", "behind two"});
}

TEST_CASE("a head that touches the first statement is its own, but for options") {
  const Script script =
      split_script("-- falsework: name=a switch=1\n-- why\nSELECT 1; -- falsework: fill=''\nSELECT 2;", "f");
  CHECK(script.header == Texts{"falsework: name=a switch=1"});
  REQUIRE(script.statements.size() == 2);
  CHECK(script.statements[0].comments == Texts{"why", "falsework: fill=''"});
  CHECK(script.statements[1].comments.empty());
}

TEST_CASE("a script without statements has only a header") {
  CHECK(split_script("", "f").statements.empty());
  CHECK(split_script(" ; ;\n", "f").statements.empty());
  const Script script = split_script("-- nothing\n/* here */", "f");
  CHECK(script.statements.empty());
  CHECK(script.header == Texts{"nothing", "here"});
}

TEST_CASE("semicolons in strings, rules and function bodies end no statement") {
  const std::string atomic =
      "CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 2 ELSE 3 END; SELECT "
      "4; END";
  const Texts statements = {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$ SELECT 1; SELECT 2; $x$",
                            atomic,
                            "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b)",
                            "SELECT E'it\\'s;', \"a;b\"",
                            "BEGIN",
                            "SELECT 1"};
  std::string sql;
  for (const std::string& statement : statements) sql += statement + ";\n";
  const Script script = split_script(sql, "f");
  REQUIRE(script.statements.size() == statements.size());
  for (std::size_t i = 0; i < statements.size(); ++i) CHECK(script.statements[i].text == statements[i]);
}

TEST_CASE("line endings of Windows and characters beyond ASCII are no obstacle") {
  const Script script = split_script("-- größe\r\nALTER TABLE \"Größe\" RENAME ä TO ö; -- ß\r\nSELECT 1;\r\n", "f");
  REQUIRE(script.statements.size() == 2);
  CHECK(script.statements[0].text == "ALTER TABLE \"Größe\" RENAME ä TO ö");
  CHECK(script.statements[0].comments == Texts{"größe", "ß"});
  CHECK(script.statements[1].line == 3);
}

TEST_CASE("what the scanner refuses names the file and the line") {
  CHECK(failure_of("SELECT 1;\nSELECT 'open;\n") == "declaration.invalid: change.sql:2: unterminated quoted string");
  CHECK(failure_of("SELECT 1;\n\n/* open") == "declaration.invalid: change.sql:3: unterminated /* comment");
  CHECK(failure_of(std::string("SELECT 1;\nSELECT \0", 18)) == "declaration.invalid: change.sql:2: a NUL byte");
}

TEST_CASE("an option that belongs to no statement is an error") {
  CHECK(failure_of("SELECT 1;\n\n-- falsework: fill=''\n") ==
        "declaration.invalid: change.sql:3: a falsework: comment after the last statement belongs to nothing");
}

}  // namespace falsework::pg

TEST_SUITE_END();
