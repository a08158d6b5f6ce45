#include "postgres/catalog/snapshot_json.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "base/error_kinds.h"
#include "base/file.h"
#include "postgres/catalog/snapshot_fields.h"
#include "tests/oracle/zoo.h"
#include "tests/postgres/catalog/reading.h"

namespace falsework {  // NOLINT(google-build-using-namespace)
using falsework::test::build_zoo;
using falsework::test::Server;
using falsework::test::snapshot_of;
using falsework::test::TestDatabase;

namespace {

std::string refusal(const std::string& text) {
  try {
    pg::parse_snapshot(text, "s.json");
  } catch (const Error& error) {
    CHECK(error.code() == errors::kSnapshotInvalid.code);
    CHECK(error.hint() == "Write the snapshot anew with `falsework snapshot`.");
    return error.what();
  }
  return "";
}

std::string with_table(const std::string& members) {
  return R"({"format_version": 1, "tables": [{"name": {"schema": "public", "name": "t"})" + members + "}]}";
}

// The data members of each struct of snapshot.h, by reading its text.
std::map<std::string, std::set<std::string>> declared_members() {
  std::istringstream header(read_file(std::string(FALSEWORK_SOURCE) + "/postgres/catalog/snapshot.h"));
  std::map<std::string, std::set<std::string>> members;
  std::vector<std::string> open;
  std::string statement;
  for (std::string line; std::getline(header, line);) {
    line = std::regex_replace(line, std::regex("//.*"), "");
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^ *struct (\\w+) \\{"))) {
      open.push_back(match[1]);
      statement.clear();
      continue;
    }
    if (std::regex_search(line, std::regex("^ *\\};"))) {
      if (!open.empty()) open.pop_back();
      continue;
    }
    statement += line + " ";
    if (line.find(';') == std::string::npos) continue;
    const std::string whole = std::exchange(statement, "");
    if (open.empty() || whole.find('(') != std::string::npos || whole.find("operator=") != std::string::npos ||
        whole.find("operator<") != std::string::npos)
      continue;
    // Without template arguments, initializers and the type, only names are left.
    std::string names = whole;
    while (std::regex_search(names, std::regex("<[^<>]*>")))
      names = std::regex_replace(names, std::regex("<[^<>]*>"), "");
    names = std::regex_replace(names, std::regex("=[^,;]*"), "");
    names = std::regex_replace(names, std::regex("^\\s*[\\w:]+\\s"), "");
    const std::regex word("\\w+");
    for (std::sregex_iterator name(names.begin(), names.end(), word), end; name != end; ++name) {
      members[open.back()].insert(name->str());
    }
  }
  return members;
}

template <typename Part>
std::set<std::string> visited_members() {
  std::set<std::string> names;
  const Part part{};
  pg::visit_fields(part, [&](const char* key, const auto&, pg::Role) { names.insert(key); });
  return names;
}

}  // namespace

TEST_SUITE("postgres/catalog/snapshot_json") {
  TEST_CASE("a snapshot of everything comes back from its file as it was, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      const pg::Snapshot snapshot = snapshot_of(database);
      REQUIRE(snapshot.tables.size() > 8);
      const std::string text = pg::render_snapshot(snapshot);
      CHECK(pg::parse_snapshot(text, "s.json") == snapshot);
      CHECK(pg::render_snapshot(pg::parse_snapshot(text, "s.json")) == text);
      // The same catalog gives the same bytes.
      CHECK(pg::render_snapshot(snapshot_of(database)) == text);
    }
  }

  TEST_CASE("same_members: every member of a snapshot's structs is in its file and in comparisons") {
    auto declared = declared_members();
    REQUIRE(declared.size() == 16);
    CHECK(declared["SequenceShape"] == visited_members<pg::SequenceShape>());
    CHECK(declared["TypeShape"] == visited_members<pg::TypeShape>());
    CHECK(declared["Column"] == visited_members<pg::Column>());
    CHECK(declared["IndexColumn"] == visited_members<pg::IndexColumn>());
    CHECK(declared["Index"] == visited_members<pg::Index>());
    CHECK(declared["Constraint"] == visited_members<pg::Constraint>());
    CHECK(declared["Trigger"] == visited_members<pg::Trigger>());
    CHECK(declared["Policy"] == visited_members<pg::Policy>());
    CHECK(declared["ExtendedStatistics"] == visited_members<pg::ExtendedStatistics>());
    CHECK(declared["PublicationMember"] == visited_members<pg::PublicationMember>());
    CHECK(declared["Dependent"] == visited_members<pg::Dependent>());
    CHECK(declared["Table"] == visited_members<pg::Table>());
    CHECK(declared["View"] == visited_members<pg::View>());
    CHECK(declared["Dependency"] == visited_members<pg::View::Dependency>());
    CHECK(declared["Function"] == visited_members<pg::Function>());
    CHECK(declared["Snapshot"] == visited_members<pg::Snapshot>());
  }

  TEST_CASE("a malformed snapshot is refused with the place and what was found") {
    struct Case {
      std::string given, expected;
    };
    const std::vector<Case> cases = {
        {"", "s.json: line 1: not JSON"},
        {"{\n\"format_version\": 1,\n nonsense}", "s.json: line 3: not JSON"},
        {"[]", "s.json: $: expected an object, found array"},
        {R"({"format_version": 1e999})", "s.json: a number in it is too large"},
        {"{}", "s.json: $: \"format_version\" is missing: not a snapshot"},
        {R"({"format_version": 2, "novelty": 1})", "s.json: $.format_version: expected 1"},
        {R"({"format_version": 1, "novelty": 1})", "s.json: $.novelty: unknown key"},
        {R"({"format_version": 1, "tables": {}})", "s.json: $.tables: expected a list, found object"},
        {R"({"format_version": 1, "tables": [{}]})", "s.json: $.tables[0]: \"name\" is missing"},
        {R"({"format_version": 1, "server_version": 99999999999})",
         "s.json: $.server_version: the integer is out of range"},
        {R"({"format_version": 1, "format_version": 1})", "s.json: key \"format_version\" occurs twice"},
        {with_table(R"(, "kind": "rr")"), "s.json: $.tables[0].kind: expected one character"},
        {with_table(R"(, "rows": "many")"), "s.json: $.tables[0].rows: expected a number, found string"},
        {with_table(R"(, "has_acl": 1)"), "s.json: $.tables[0].has_acl: expected true or false, found number"},
        {with_table(R"(, "comment": null)"), "s.json: $.tables[0].comment: expected a string, found null"},
        {with_table(R"(, "columns": [{"name": "a", "typ": 1}])"), "s.json: $.tables[0].columns[0].typ: unknown key"},
        {with_table(R"(, "columns": [{"name": "a", "type": {"base": {"schema": "x", "name": "y"}}}])"),
         "s.json: $.tables[0].columns[0].type: \"name\" is missing"},
        {with_table(R"(, "indexes": [{"name": "i", "statistics_targets": {"one": 1}}])"),
         "s.json: $.tables[0].indexes[0].statistics_targets.one: the key is not a number"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.given);
      CHECK(refusal(c.given) == c.expected);
    }
    CHECK(refusal(with_table("")) == "");
  }

  TEST_CASE("what a file leaves out keeps its default") {
    const pg::Snapshot snapshot = pg::parse_snapshot(with_table(R"(, "columns": [{"name": "a"}])"), "s.json");
    pg::Table expected;
    expected.name = {"public", "t"};
    expected.columns.emplace_back().name = "a";
    CHECK(snapshot.tables == std::vector<pg::Table>{expected});
  }
}

}  // namespace falsework
