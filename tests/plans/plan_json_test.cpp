#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "plans/graph.h"
#include "plans/plan.h"
#include "tests/plans/sample_plan.h"

namespace falsework {
using Json = nlohmann::ordered_json;

namespace {

Plan stamped() {
  Plan plan = testing::sample_plan();
  stamp(plan);
  return plan;
}

// What parse_plan says to `text`: `code: message`, or empty.
std::string complaint(const std::string& text) {
  try {
    parse_plan(text, "p.json");
    return "";
  } catch (const Error& error) {
    CHECK_FALSE(error.hint().empty());
    return std::string(error.code()) + ": " + error.what();
  }
}

// Every place in a document, the root included.
void collect(const Json& value, const Json::json_pointer& at, std::vector<Json::json_pointer>& places) {
  places.push_back(at);
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) collect(child, at / key, places);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) collect(value[i], at / i, places);
  }
}

std::vector<Json::json_pointer> places_of(const Json& document) {
  std::vector<Json::json_pointer> places;
  collect(document, Json::json_pointer(), places);
  return places;
}

// Objects whose keys are names of the user's, not of the format.
bool is_open(const std::string& path) {
  return path == "/releases" || path == "/relies_on" || path.rfind("/relies_on/", 0) == 0;
}

}  // namespace

TEST_SUITE("plans/plan_json") {
  TEST_CASE("a plan that is rendered and parsed is the same plan") {
    const Plan plan = stamped();
    CHECK(parse_plan(render_plan(plan), "p.json") == plan);
    Plan empty;
    stamp(empty);
    CHECK(parse_plan(render_plan(empty), "p.json") == empty);
  }

  TEST_CASE("archives stand in the file of a plan that has some, and in no other") {
    Plan plan = testing::sample_plan();
    stamp(plan);
    CHECK(render_plan(plan).find("archives") == std::string::npos);
    plan.steps.back().archives = {"falsework.a", "falsework.b"};
    stamp(plan);
    CHECK(parse_plan(render_plan(plan), "plan.json") == plan);
  }

  TEST_CASE("a rendered plan has its keys in the order of the contract, two spaces and a final newline") {
    const std::string text = render_plan(stamped());
    CHECK(text.substr(0, 26) == "{\n  \"format_version\": 1,\n ");
    CHECK(text.substr(text.size() - 3) == "\n}\n");
    const Json document = Json::parse(text);
    std::vector<std::string> keys;
    for (const auto& [key, value] : document["steps"][0].items()) keys.push_back(key);
    CHECK(keys ==
          std::vector<std::string>{
              "id",         "phase",     "kind",      "title",        "why",         "relations",        "sql",
              "undo",       "undo_note", "undo_with", "irreversible", "transaction", "undo_transaction", "locks",
              "undo_locks", "rewrites",  "scans",     "done_when",    "needs",       "timeouts",         "estimate",
              "gate",       "copy",      "check",     "probe"});
    CHECK(document["steps"][1]["locks"][0]["mode"] == "AccessExclusiveLock");
    CHECK(document["steps"][1]["timeouts"]["lock_ms"] == 250);
    CHECK(document["steps"].back()["undo"].is_null());
    CHECK(document["steps"][0]["undo"] == Json::array());
    CHECK(document["phases"][0].dump() == R"({"name":"expand","steps":["users.email_address/expand/check"]})");
    CHECK(document["phases"].size() == 6);
  }

  TEST_CASE("a condition of each kind survives the file, and has the keys of its kind alone") {
    Plan plan = testing::sample_plan_with_every_condition();
    stamp(plan);
    CHECK(parse_plan(render_plan(plan), "p.json") == plan);
    CHECK(verify(plan).empty());
    const Json conditions = Json::parse(render_plan(plan))["steps"][7]["gate"]["conditions"];
    CHECK(conditions[2].dump() == R"({"kind":"soak","period_s":86400})");
    CHECK(conditions[3].dump() == R"({"kind":"approval","approvals":2,"four_eyes":true,"author":"ann"})");
    Json broken = Json::parse(render_plan(plan));
    broken["steps"][7]["gate"]["conditions"][2]["query"] = "SELECT 1";
    CHECK(complaint(broken.dump()) ==
          "plan.invalid: p.json: /steps/7/gate/conditions/2/query is not a key that a plan has there");
  }

  TEST_CASE("a condition that says too little is unsound") {
    for (std::size_t i = 2; i < std::size(kConditionKinds); ++i) {
      CAPTURE(name(kConditionKinds[i]));
      Plan plan = testing::sample_plan_with_every_condition();
      GateCondition bare;
      bare.kind = kConditionKinds[i];
      plan.steps[7].gate->conditions = {bare};
      CHECK(!verify(plan).empty());
    }
  }

  TEST_CASE("equal plans give equal bytes") {
    CHECK(render_plan(stamped()) == render_plan(stamped()));
    Plan other = testing::sample_plan();
    other.releases = {{"switch", "2026.12"}, {"contract", "2027.01"}};
    CHECK(render_plan(other) == render_plan(testing::sample_plan()));
  }

  TEST_CASE("another layout of the same plan is the same plan") {
    const Plan plan = stamped();
    CHECK(parse_plan(Json::parse(render_plan(plan)).dump(), "p.json") == plan);
  }

  TEST_CASE("a missing key is refused wherever it is missing") {
    const Json document = Json::parse(render_plan(stamped()));
    int tried = 0;
    for (const Json::json_pointer& place : places_of(document)) {
      if (place.empty() || !document[place.parent_pointer()].is_object()) continue;
      if (is_open(place.parent_pointer().to_string())) continue;
      Json broken = document;
      broken[place.parent_pointer()].erase(place.back());
      CAPTURE(place.to_string());
      CHECK(complaint(broken.dump()) == "plan.invalid: p.json: " + place.to_string() + " is missing");
      ++tried;
    }
    CHECK(tried > 200);
  }

  TEST_CASE("an unknown key is refused wherever it stands") {
    const Json document = Json::parse(render_plan(stamped()));
    int tried = 0;
    for (const Json::json_pointer& place : places_of(document)) {
      if (!document[place].is_object() || is_open(place.to_string())) continue;
      Json broken = document;
      broken[place]["x/y~"] = 1;
      CAPTURE(place.to_string());
      CHECK(complaint(broken.dump()) ==
            "plan.invalid: p.json: " + place.to_string() + "/x~1y~0 is not a key that a plan has there");
      ++tried;
    }
    CHECK(tried > 50);
  }

  TEST_CASE("a value of another type is refused wherever it stands") {
    const Json document = Json::parse(render_plan(stamped()));
    const Json values[] = {Json(nullptr), Json(true), Json(1), Json(1.5), Json("x"), Json::array(), Json::object()};
    for (const Json::json_pointer& place : places_of(document)) {
      for (const Json& value : values) {
        const Json& there = document[place];
        const bool same_type = value.type() == there.type() || (value.is_number_integer() && there.is_number_integer());
        if (same_type) continue;
        // `gate` and its like may be null; `undo` may be null or an array.
        const bool may_be_null = place.empty()
                                     ? false
                                     : place.back() == "gate" || place.back() == "copy" || place.back() == "check" ||
                                           place.back() == "probe" || place.back() == "undo";
        if (may_be_null && (value.is_null() || there.is_null())) continue;
        Json broken = document;
        broken[place] = value;
        CAPTURE(place.to_string());
        CAPTURE(value.dump());
        const std::string said = complaint(broken.dump());
        const std::string path = place.empty() ? "/" : place.to_string();
        CHECK(said.rfind("plan.invalid: p.json: " + path + " must be ", 0) == 0);
      }
    }
  }

  TEST_CASE("no literal can be changed unnoticed") {
    const Json document = Json::parse(render_plan(stamped()));
    int tried = 0;
    for (const Json::json_pointer& place : places_of(document)) {
      Json broken = document;
      Json& there = broken[place];
      if (there.is_boolean()) {
        there = !there.get<bool>();
      } else if (there.is_number_integer()) {
        there = there.get<std::int64_t>() + 1;
      } else if (there.is_string()) {
        there = there.get<std::string>() + "x";
      } else {
        continue;
      }
      CAPTURE(place.to_string());
      const std::string said = complaint(broken.dump());
      CHECK((said.rfind("plan.digest_mismatch: ", 0) == 0 || said.rfind("plan.invalid: ", 0) == 0));
      ++tried;
    }
    CHECK(tried > 200);
  }

  TEST_CASE("a changed statement is a digest mismatch, and says what to do") {
    Plan plan = stamped();
    plan.steps[1].sql[0] += " NOT NULL";
    CHECK(complaint(render_plan(plan)) ==
          "plan.digest_mismatch: p.json: the plan of users_email_address does not match its digest");
    plan.digest.clear();
    CHECK(complaint(render_plan(plan)).rfind("plan.digest_mismatch", 0) == 0);
  }

  TEST_CASE("an element that is dropped from or doubled in an array is noticed") {
    const Json document = Json::parse(render_plan(stamped()));
    for (const Json::json_pointer& place : places_of(document)) {
      if (!document[place].is_array() || document[place].empty()) continue;
      Json shorter = document, longer = document;
      shorter[place].erase(0);
      longer[place].push_back(Json(longer[place][0]));
      CAPTURE(place.to_string());
      CHECK_FALSE(complaint(shorter.dump()).empty());
      CHECK_FALSE(complaint(longer.dump()).empty());
    }
  }

  TEST_CASE("what is not a plan is refused with its place") {
    const std::string good = render_plan(stamped());
    const auto changed = [&](const char* pointer, const Json& value) {
      Json document = Json::parse(good);
      document[Json::json_pointer(pointer)] = value;
      return document.dump();
    };
    struct Case {
      std::string text, said;
    };
    const Case cases[] = {
        {"", "p.json: not JSON (byte 1)"},
        {"{", "p.json: not JSON (byte 2)"},
        {"{} x", "p.json: not JSON (byte 4)"},
        {"{\"format_version\": 1e999}", "p.json: a number in it is too large"},
        {"[]", "p.json: / must be an object, not array"},
        {"{}", "p.json: /format_version is missing"},
        {"{\"name\":\"a\",\"format_version\":1,\"name\":\"b\"}", "p.json: the key \"name\" stands twice in one object"},
        {changed("/format_version", 2), "p.json: /format_version is 2, and this Falsework reads 1"},
        {changed("/steps/3/kind", "vacuum"), "p.json: /steps/3/kind is \"vacuum\", which is no kind of step"},
        {changed("/steps/3/phase", "later"), "p.json: /steps/3/phase is \"later\", which is no phase"},
        {changed("/steps/1/locks/0/mode", "x"), "p.json: /steps/1/locks/0/mode is \"x\", which is no lock mode"},
        {changed("/steps/1/locks/0/duration", "x"),
         "p.json: /steps/1/locks/0/duration is \"x\", which is no lock duration"},
        {changed("/steps/5/gate/conditions/0/kind", "moon"),
         "p.json: /steps/5/gate/conditions/0/kind is \"moon\", which is no kind of condition"},
        {changed("/steps/7/gate/conditions/0/release", "2027.01"),
         "p.json: /steps/7/gate/conditions/0/release is not a key that a plan has there"},
        {changed("/steps/0/sql/0", std::string("SELECT\0 1", 9)), "p.json: /steps/0/sql/0 holds a NUL character"},
        {changed("/steps/0/estimate/rows", 18446744073709551615U), "p.json: /steps/0/estimate/rows is too large"},
        {changed("/server_version", -1), "p.json: /server_version is out of range"},
        {changed("/phases/1/steps/0", "other"),
         "p.json: /phases does not list the steps of dual_write as /steps has them"},
        {changed("/phases/6", Json::parse(R"({"name":"expand","steps":[]})")),
         "p.json: /phases lists a phase that no step belongs to"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.text);
      CHECK(complaint(c.text) == "plan.invalid: " + c.said);
    }
  }

  TEST_CASE("text that is not UTF-8 cannot become a plan") {
    Plan plan = testing::sample_plan();
    plan.steps[0].sql[0] = "SELECT '\xff'";
    try {
      render_plan(plan);
      FAIL("rendered");
    } catch (const Error& error) {
      CHECK(error.code() == "plan.invalid");
      CHECK(std::string(error.what()) == "the plan of users_email_address holds text that is not UTF-8");
    }
  }
}

}  // namespace falsework
