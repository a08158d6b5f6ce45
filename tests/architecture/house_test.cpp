#include "tests/architecture/house.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using falsework::test::change_kinds;
using falsework::test::forbidden_includes;
using falsework::test::named_kinds;
using falsework::test::read_tree;
using falsework::test::SourceFile;

namespace {

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = read_tree(FALSEWORK_SOURCE);
  return files;
}

const SourceFile& file(const std::string& path) {
  const auto found = std::find_if(tree().begin(), tree().end(), [&](const SourceFile& f) { return f.path == path; });
  REQUIRE(found != tree().end());
  return *found;
}

}  // namespace

TEST_SUITE_BEGIN("tests/architecture");

TEST_CASE("every room includes only what the design allows it to") {
  for (const SourceFile& source : tree()) {
    for (const std::string& problem : forbidden_includes(source)) FAIL_CHECK(problem);
  }
}

TEST_CASE("the executor names no change kind") {
  const auto kinds = change_kinds(file("planner/change.h").text);
  REQUIRE(kinds.size() >= 8);
  for (const SourceFile& source : tree()) {
    if (source.path.rfind("executor/", 0) != 0) continue;
    for (const std::string& problem : named_kinds(source, kinds)) FAIL_CHECK(problem);
  }
}

TEST_CASE("every room is read") {
  std::map<std::string, int> count;
  for (const SourceFile& source : tree()) ++count[source.path.substr(0, source.path.find('/'))];
  for (const char* room : {"base", "postgres", "plans", "state", "planner", "executor", "engine", "tests"}) {
    CAPTURE(room);
    CHECK(count[room] >= 3);
  }
}

TEST_CASE("a planted include is found, with its file and line") {
  struct Case {
    std::string path;
    std::string include;
    std::string problem;  // empty: allowed
  };
  const Case cases[] = {
      {"base/x.cpp", "\"plans/plan.h\"", "base/ may not include \"plans/plan.h\""},
      {"base/x.cpp", "<plans/plan.h>", "base/ may not include \"plans/plan.h\""},
      {"base/x.cpp", "\"x.h\"", "includes \"x.h\" not from the root"},
      {"base/x.cpp", "\"../plans/plan.h\"", "base/ may not include \"../plans/plan.h\""},
      {"base/x.cpp", "<spdlog/spdlog.h>", ""},
      {"base/x.h", "<spdlog/spdlog.h>", "<spdlog/spdlog.h> is for .cpp files only"},
      {"postgres/sql/x.cpp", "\"state/ledger.h\"", "postgres/ may not include \"state/ledger.h\""},
      {"postgres/sql/x.cpp", "<pqxx/pqxx>", "<pqxx/pqxx> belongs to another room"},
      {"postgres/session/x.cpp", "<pqxx/pqxx>", ""},
      {"postgres/session/x.h", "\"pqxx/pqxx\"", "<pqxx/pqxx> is for .cpp files only"},
      {"postgres/catalog/x.cpp", "<pg_query.h>", "<pg_query.h> belongs to another room"},
      {"plans/x.cpp", "\"postgres/session/session.h\"", "plans/ may not include \"postgres/session/session.h\""},
      {"plans/x.cpp", "\"postgres/locks/lock_mode.h\"", ""},
      {"plans/x.cpp", "<boost/graph/adjacency_list.hpp>", ""},
      {"state/x.cpp", "<boost/graph/adjacency_list.hpp>", "<boost/graph/adjacency_list.hpp> belongs to another room"},
      {"state/x.cpp", "\"postgres/catalog/snapshot.h\"", "state/ may not include \"postgres/catalog/snapshot.h\""},
      {"state/postgres/x.cpp", "<sqlite3.h>", "<sqlite3.h> belongs to another room"},
      {"state/sqlite/x.cpp", "<sqlite3.h>", ""},
      {"planner/x.cpp", "\"executor/executor.h\"", "planner/ may not include \"executor/executor.h\""},
      {"planner/x.cpp", "\"base/clock.h\"", "planner/ may not include \"base/clock.h\""},
      {"planner/x.cpp", "\"postgres/session/session.h\"", "planner/ may not include \"postgres/session/session.h\""},
      {"planner/x.cpp", "\"postgres/catalog/snapshot.h\"", ""},
      {"executor/x.cpp", "\"planner/planner.h\"", "executor/ may not include \"planner/planner.h\""},
      {"executor/x.cpp", "\"postgres/catalog/snapshot.h\"",
       "executor/ may not include \"postgres/catalog/snapshot.h\""},
      {"executor/x.cpp", "\"state/ledger.h\"", ""},
      {"engine/x.cpp", "\"planner/planner.h\"", ""},
      {"engine/x.cpp", "<boost/asio.hpp>", "<boost/asio.hpp> belongs to another room"},
      {"engine/x.h", "<nlohmann/json.hpp>", "<nlohmann/json.hpp> is for .cpp files only"},
      {"engine/x.h", "<nlohmann/json_fwd.hpp>", ""},
      {"engine/x.h", "\"tests/support/server.h\"", "engine/ may not include \"tests/support/server.h\""},
      {"tests/support/x.cpp", "\"postgres/session/session.h\"",
       "tests/support/ may not include \"postgres/session/session.h\""},
      {"cellar/x.cpp", "\"base/error.h\"", "no room of the house"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.path);
    CAPTURE(c.include);
    const auto found =
        forbidden_includes({c.path, "// a comment\n  #  include " + c.include + "  // why\n#include <map>\n"});
    if (c.problem.empty()) {
      CHECK(found.empty());
    } else {
      CHECK(found == std::vector<std::string>{c.path + ":2: " + c.problem});
    }
  }
}

TEST_CASE("a planted change kind is found in code, text and comments") {
  const auto kinds = change_kinds(
      "struct A { static constexpr std::string_view kKind = \"add_foreign_key\"; };\n"
      "struct B { static constexpr std::string_view kKind = \"set_not_null\"; };\n");
  CHECK(kinds == std::vector<std::string>{"add_foreign_key", "AddForeignKey", "set_not_null", "SetNotNull"});
  CHECK(named_kinds({"executor/x.cpp", "a\nif (k == \"set_not_null\") b;\n// as AddForeignKey does\n"}, kinds) ==
        std::vector<std::string>{"executor/x.cpp:2: names the change kind set_not_null",
                                 "executor/x.cpp:3: names the change kind AddForeignKey"});
  CHECK(named_kinds({"executor/x.cpp", "SET NOT NULL, foreign key\n"}, kinds).empty());
}

TEST_SUITE_END();
