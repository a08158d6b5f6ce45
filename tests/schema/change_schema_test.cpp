#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error_kinds.h"
#include "base/file.h"
#include "planner/declare/declare.h"
#include "planner/declare/vocabulary.h"

namespace falsework {
namespace {

const std::filesystem::path kSource = FALSEWORK_SOURCE;

std::vector<std::filesystem::path> files_of(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kSource / "tests/schema" / folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

nlohmann::json schema() { return nlohmann::json::parse(read_file(kSource / "plans/schema/change.schema.json")); }

std::set<std::string> names(const declare::Keys& keys, bool required_only) {
  std::set<std::string> result;
  for (const declare::Key& key : keys) {
    if (key.required || !required_only) result.emplace(key.name);
  }
  return result;
}

// An object of the schema and the keys of the reader: the same, and the same ones required.
void check_same(const nlohmann::json& object, const declare::Keys& keys) {
  std::set<std::string> properties;
  for (const auto& [name, ignored] : object.at("properties").items()) properties.insert(name);
  CHECK(properties == names(keys, false));
  const auto required = object.value("required", std::set<std::string>{});
  CHECK(required == names(keys, true));
  CHECK(object.at("additionalProperties") == false);
}

TEST_SUITE("schema/change_schema") {
  TEST_CASE("every file that the schema accepts is accepted by the reader") {
    const auto files = files_of("valid");
    CHECK(files.size() >= 15);
    for (const auto& file : files) {
      CAPTURE(file.filename());
      CHECK_NOTHROW(read_declaration(read_file(file), file.filename()));
    }
  }

  TEST_CASE("every file that the schema refuses is refused by the reader, as a declaration and with a hint") {
    const auto files = files_of("invalid");
    CHECK(files.size() >= 15);
    for (const auto& file : files) {
      CAPTURE(file.filename());
      bool refused = false;
      try {
        read_declaration(read_file(file), file.filename());
      } catch (const Error& error) {
        refused = true;
        CAPTURE(error.what());
        const bool of_the_declaration = error.code() == errors::kDeclarationInvalid.code ||
                                        error.code() == errors::kDeclarationEmpty.code ||
                                        error.code() == errors::kExpressionInvalid.code;
        CHECK(of_the_declaration);
        CHECK(std::string(error.what()).find(file.filename().string()) == 0);
        CHECK(!error.hint().empty());
      }
      CHECK(refused);
    }
  }

  TEST_CASE("the schema and the reader know the same keys") {
    const nlohmann::json root = schema();
    const nlohmann::json& definitions = root.at("$defs");
    check_same(root, declare::migration_keys());
    check_same(root.at("properties").at("releases"), declare::release_keys());
    const nlohmann::json& gates = root.at("properties").at("gates");
    check_same(gates, declare::gates_keys());
    for (const char* gate : {"switch", "contract"}) {
      check_same(definitions.at(std::string("gate_") + gate), declare::gate_keys(gate));
    }
    const nlohmann::json& kinds = definitions.at("change").at("properties");
    CHECK(kinds.size() == declare::change_words().size());
    for (const declare::ChangeWords& words : declare::change_words()) {
      CAPTURE(words.kind);
      REQUIRE(kinds.contains(std::string(words.kind)));
      check_same(definitions.at(std::string(words.kind)), words.keys);
    }
    const nlohmann::json& key = definitions.at("add_foreign_key").at("properties");
    check_same(key.at("references"), declare::reference_keys());
    check_same(key.at("on_delete").at("oneOf").at(1), declare::on_delete_keys());
  }

  TEST_CASE("every key has a description that an editor can show") {
    const nlohmann::json root = schema();
    const auto described = [&root](const nlohmann::json& property) {
      if (property.contains("description")) return true;
      const std::string name = property.value("$ref", std::string("#/$defs/")).substr(std::string("#/$defs/").size());
      return root.at("$defs").contains(name) && root.at("$defs").at(name).contains("description");
    };
    for (const auto& definition : root.at("$defs").items()) {
      if (!definition.value().contains("properties")) continue;
      for (const auto& property : definition.value().at("properties").items()) {
        CAPTURE(definition.key());
        CAPTURE(property.key());
        CHECK(described(property.value()));
      }
    }
    for (const auto& property : root.at("properties").items()) {
      CAPTURE(property.key());
      CHECK(described(property.value()));
    }
  }
}

}  // namespace
}  // namespace falsework
