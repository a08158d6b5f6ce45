#include <doctest/doctest.h>

#include "planner/declare/declare.h"
#include "tests/planner/declare/refusal_cases.h"

namespace falsework {
namespace {

TEST_SUITE("planner/declare/file_refusals") {
  TEST_CASE("a declaration without a change is not taken for one that has nothing to do") {
    check_refusals({
        {"m.sql", "", "declaration.empty", "m.sql: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.json", "  \n", "declaration.empty", "m.json: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.sql", "-- falsework: name=x\n", "declaration.empty", "m.sql: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
        {"m.sql", ";;\n", "declaration.empty", "m.sql: the declaration holds no change",
         "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address."},
    });
  }

  TEST_CASE("files of one migration that contradict each other are refused") {
    const char* statement = "ALTER TABLE t RENAME a TO b;";
    const auto both = [&](const std::string& first, const std::string& second) {
      return refusal_of([&] { read_declarations({{first + statement, "1.sql"}, {second + statement, "2.sql"}}); });
    };
    const Refusal name = both("-- falsework: name=x\n", "-- falsework: name=y\n");
    CHECK(name.message == "2.sql: the name y contradicts x of an earlier file");
    CHECK(name.hint == "Files that are read together are one migration with one name.");
    const Refusal release = both("-- falsework: switch=1\n", "-- falsework: switch=2\n");
    CHECK(release.message == "2.sql: switch 2 contradicts 1 of an earlier file");
    CHECK(release.hint == "Files that are read together are one migration with one release for each gate.");
    CHECK_NOTHROW(read_declarations({{std::string("-- falsework: name=x switch=1\n") + statement, "1.sql"},
                                     {std::string("-- falsework: name=x switch=1\n") + statement, "2.sql"}}));
  }

  TEST_CASE("an empty file among several is refused, not skipped") {
    const Refusal refusal = refusal_of([] {
      read_declarations({{"ALTER TABLE t RENAME a TO b", "1.sql"}, {"", "2.sql"}});
    });
    CHECK(refusal.code == "declaration.empty");
    CHECK(refusal.message == "2.sql: the declaration holds no change");
  }

  TEST_CASE("text that is nested beyond all reason is refused and does not exhaust the stack") {
    const Refusal refusal = refusal_of([] { read_declaration("{\"changes\": " + std::string(200000, '['), "m.json"); });
    CHECK(refusal.code == "declaration.invalid");
    CHECK(refusal.message.find("m.json:1:200013: malformed JSON: unexpected end of input") == 0);
    const Refusal balanced = refusal_of([] {
      read_declaration("{\"changes\": " + std::string(100000, '[') + std::string(100000, ']') + "}", "m.json");
    });
    CHECK(balanced.message == "m.json:/changes/0: expected an object, found an array");
    std::string negations;
    for (int i = 0; i < 5000; ++i) negations += "NOT ";
    const Refusal expression = refusal_of([&] {
      read_declaration("ALTER TABLE t ALTER a SET NOT NULL; -- falsework: fill=(" + negations + "true)", "m.sql");
    });
    CHECK(expression.code == "expression.invalid");
  }
}

}  // namespace
}  // namespace falsework
