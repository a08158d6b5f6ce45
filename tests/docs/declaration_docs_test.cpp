// The pages about declarations: every word stands on them, and what they show is read by the reader itself.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "planner/declare/declare.h"
#include "planner/declare/vocabulary.h"

namespace falsework {
namespace {

const std::filesystem::path kDocs = std::filesystem::path(FALSEWORK_SOURCE) / "docs";

// The text between the line `heading` and the next heading of its level or higher.
std::string section(const std::string& page, const std::string& heading) {
  std::istringstream lines(page);
  std::string line, text;
  bool inside = false, code = false;
  const std::size_t level = heading.find(' ');
  while (std::getline(lines, line)) {
    if (line.rfind("```", 0) == 0) code = !code;
    const bool is_heading = !code && line.rfind('#', 0) == 0;
    if (is_heading && line == heading) {
      inside = true;
      continue;
    }
    if (is_heading && inside && line.find(' ') <= level) break;
    if (inside) text += line + "\n";
  }
  return text;
}

// The code blocks of one language, in order.
std::vector<std::string> blocks(const std::string& page, const std::string& language) {
  std::vector<std::string> found;
  std::istringstream lines(page);
  std::string line;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (!inside && line == "```" + language) {
      inside = true;
      found.emplace_back();
    } else if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      found.back() += line + "\n";
    }
  }
  return found;
}

void check_same_migration(const std::string& json, const std::string& sql) {
  const Migration from_json = read_declaration(json, "shown.json");
  const Migration from_sql = read_declaration(sql, "shown.sql");
  CHECK(from_json.name == from_sql.name);
  CHECK(from_json.releases == from_sql.releases);
  REQUIRE(from_json.changes.size() == from_sql.changes.size());
  for (std::size_t i = 0; i < from_json.changes.size(); ++i) {
    CHECK(from_json.changes[i].action == from_sql.changes[i].action);
  }
}

// A row of a table whose first or second cell is the key.
bool has_row(const std::string& text, std::string_view key, const std::string& before = "| ") {
  return text.find(before + "`" + std::string(key) + "`") != std::string::npos;
}

TEST_SUITE("docs/declaration") {
  TEST_CASE("the reference has a row for every key and names every option") {
    const std::string page = read_file(kDocs / "reference/declaration.md");
    const std::string migration = section(page, "## The migration");
    for (const declare::Key& key : declare::migration_keys()) {
      CAPTURE(key.name);
      CHECK(has_row(migration, key.name));
    }
    for (const declare::Key& key : declare::release_keys()) {
      CAPTURE(key.name);
      CHECK(has_row(migration, "releases." + std::string(key.name)));
    }
    for (const declare::Key& gate : declare::gates_keys()) {
      for (const declare::Key& key : declare::gate_keys(gate.name)) {
        CAPTURE(key.name);
        CHECK(has_row(migration, "gates." + std::string(gate.name) + "." + std::string(key.name)));
      }
    }
    for (const declare::Key& key : declare::head_options()) {
      CAPTURE(key.name);
      CHECK(has_row(migration, key.name, "` | "));
    }
    for (const declare::ChangeWords& words : declare::change_words()) {
      CAPTURE(words.kind);
      const std::string text = section(page, "## " + std::string(words.kind));
      for (const declare::Key& key : words.keys) {
        CAPTURE(key.name);
        const std::size_t row = text.find("\n| `" + std::string(key.name) + "` |");
        REQUIRE(row != std::string::npos);
        const std::string line = text.substr(row + 1, text.find('\n', row + 1) - row - 1);
        CHECK((line.find("Required.") != std::string::npos) == key.required);
        CHECK((line.find("option `" + std::string(key.name) + "`") != std::string::npos) == key.option);
      }
    }
    const std::string key = section(page, "## add_foreign_key");
    for (const declare::Keys* keys : {&declare::reference_keys(), &declare::on_delete_keys()}) {
      for (const declare::Key& each : *keys) {
        CAPTURE(each.name);
        CHECK(key.find(std::string(each.name)) != std::string::npos);
      }
    }
  }

  TEST_CASE("what the reference shows in both forms is one migration") {
    const std::string page = read_file(kDocs / "reference/declaration.md");
    REQUIRE(blocks(page, "json").size() == 1);
    REQUIRE(blocks(page, "sql").size() == 1);
    check_same_migration(blocks(page, "json").front(), blocks(page, "sql").front());
  }

  TEST_CASE("the page on gates shows one migration in both forms, with every condition of contract") {
    const std::string page = read_file(kDocs / "gates.md");
    REQUIRE(blocks(page, "json").size() == 1);
    REQUIRE(blocks(page, "sql").size() == 1);
    const Migration json = read_declaration(blocks(page, "json").front(), "shown.json");
    const Migration sql = read_declaration(blocks(page, "sql").front(), "shown.sql");
    CHECK(json.gates == sql.gates);
    CHECK(json.author == sql.author);
    CHECK(json.releases == sql.releases);
    const GateWish& contract = json.gates.at("contract");
    CHECK(contract.soak == std::chrono::hours(24 * 7));
    CHECK(contract.approvals == 1);
    CHECK(contract.backup == std::chrono::hours(24));
    CHECK(contract.no_old_writer == std::chrono::hours(24));
    CHECK(contract.no_old_statement == std::chrono::hours(24));
    CHECK(contract.no_old_session);
    CHECK(contract.no_dependent);
    CHECK(contract.check.has_value());
  }

  TEST_CASE("every change kind has a page that shows both forms, names every key and answers the five questions") {
    for (const declare::ChangeWords& words : declare::change_words()) {
      CAPTURE(words.kind);
      const std::filesystem::path path = kDocs / "changes" / (std::string(words.kind) + ".md");
      REQUIRE(std::filesystem::exists(path));
      const std::string page = read_file(path);
      CHECK(page.rfind("# " + std::string(words.kind) + "\n", 0) == 0);
      const std::string written = section(page, "## What you write");
      REQUIRE(blocks(written, "json").size() == 1);
      REQUIRE(blocks(written, "sql").size() == 1);
      check_same_migration(blocks(written, "json").front(), blocks(written, "sql").front());
      for (const declare::Key& key : words.keys) {
        CAPTURE(key.name);
        CHECK(written.find("`" + std::string(key.name) + "`") != std::string::npos);
      }
      for (const char* heading : {"## What it becomes", "## What the application does in each release",
                                  "## What is refused", "## What it costs"}) {
        CAPTURE(heading);
        CHECK(section(page, heading).size() > 100);
      }
    }
  }
}

}  // namespace
}  // namespace falsework
