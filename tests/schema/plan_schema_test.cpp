#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "plans/plan.h"
#include "tests/plans/sample_plan.h"

namespace falsework {
using Json = nlohmann::json;

namespace {

const Json& schema() {
  static const Json document = Json::parse(read_file(std::string(FALSEWORK_SOURCE) + "/plans/schema/plan.schema.json"));
  return document;
}

const Json& resolved(const Json& part) {
  if (!part.contains("$ref")) return part;
  return schema().at(Json::json_pointer(part.at("$ref").get<std::string>().substr(1)));
}

std::set<std::string> keys_of(const Json& object) {
  std::set<std::string> keys;
  for (const auto& [key, ignored] : object.items()) keys.insert(key);
  return keys;
}

// The variant of a part that this value is meant to be.
const Json& variant_for(const Json& part, const Json& value) {
  const Json& whole = resolved(part);
  if (whole.contains("anyOf")) return resolved(whole.at("anyOf").at(value.is_null() ? 1 : 0));
  if (!whole.contains("oneOf")) return whole;
  for (const Json& choice : whole.at("oneOf")) {
    if (choice.at("properties").at("kind").at("const") == value.at("kind")) return choice;
  }
  FAIL("no variant for " << value.dump());
  return whole;
}

// Less the one key that only some steps have.
std::set<std::string> without_optional(std::set<std::string> keys) {
  keys.erase("archives");
  return keys;
}

// Walks a plan and the schema side by side: each object has exactly the schema's keys, all others of them required.
void check_same(const Json& part, const Json& value, const std::string& path, int& objects) {
  CAPTURE(path);
  const Json& there = variant_for(part, value);
  if (value.is_array()) {
    const Json& items = there.at("items");
    for (std::size_t i = 0; i < value.size(); ++i) check_same(items, value[i], path + "/" + std::to_string(i), objects);
  } else if (value.is_object() && there.contains("properties")) {
    ++objects;
    CHECK(without_optional(keys_of(there.at("properties"))) == without_optional(keys_of(value)));
    CHECK(there.at("required").get<std::set<std::string>>() == without_optional(keys_of(value)));
    CHECK(there.at("additionalProperties") == false);
    for (const auto& [key, child] : value.items()) {
      check_same(there.at("properties").at(key), child, path + "/" + key, objects);
    }
  } else if (value.is_object()) {
    CHECK(there.at("additionalProperties").is_object());
  } else if (there.contains("enum")) {
    CHECK(there.at("enum").get<std::set<std::string>>().count(value.get<std::string>()) == 1);
  }
}

std::set<std::string> words(const char* pointer) {
  return schema().at(Json::json_pointer(pointer)).get<std::set<std::string>>();
}

}  // namespace

TEST_SUITE("schema/plan_schema") {
  TEST_CASE("a plan has the keys of its schema, and no others") {
    Plan plan = testing::sample_plan_with_every_condition();
    plan.steps[0].archives = {"falsework._fw_archive_users"};
    stamp(plan);
    int objects = 0;
    check_same(schema(), Json::parse(render_plan(plan)), "", objects);
    CHECK(objects > 50);
  }

  TEST_CASE("the closed sets of the schema are those of the code") {
    std::set<std::string> phases, modes;
    for (const Phase phase : kPhases) phases.emplace(name(phase));
    CHECK(words("/$defs/phase/enum") == phases);
    for (int mode = 0; mode <= static_cast<int>(pg::LockMode::kAccessExclusive); ++mode) {
      modes.emplace(pg::name(static_cast<pg::LockMode>(mode)));
    }
    CHECK(words("/$defs/lock/properties/mode/enum") == modes);
    for (const std::string& word : words("/$defs/lock/properties/duration/enum")) {
      CHECK(pg::parse_lock_duration(word).has_value());
    }
    CHECK(words("/$defs/lock/properties/duration/enum").size() == 5);
    for (const std::string& word : words("/$defs/step/properties/kind/enum")) {
      CHECK(parse_step_kind(word).has_value());
    }
    CHECK(words("/$defs/step/properties/kind/enum").size() == 6);
  }
}

}  // namespace falsework
