#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "plans/plan.h"
#include "tests/plans/sample_plan.h"

namespace falsework {

namespace {

const std::string kSource = FALSEWORK_SOURCE;

// Every key of every object, but for those whose keys are names of the user's.
void collect_keys(const nlohmann::json& value, std::set<std::string>& keys) {
  if (!value.is_structured()) return;
  for (const auto& [key, child] : value.items()) {
    if (value.is_object()) keys.insert(key);
    if (key != "relies_on" && key != "releases") collect_keys(child, keys);
  }
}

bool holds_code(const std::string& page, const std::string& word) {
  return page.find("`" + word + "`") != std::string::npos;
}

}  // namespace

TEST_SUITE("docs/reference/plan") {
  TEST_CASE("every key of a plan stands in its reference") {
    const std::string page = read_file(kSource + "/docs/reference/plan.md");
    std::set<std::string> keys;
    collect_keys(nlohmann::json::parse(render_plan(testing::sample_plan_with_every_condition())), keys);
    CHECK(keys.size() > 60);
    for (const std::string& key : keys) {
      CAPTURE(key);
      const bool among_others =
          page.find(", " + key + "}") != std::string::npos || page.find("{" + key + ", ") != std::string::npos;
      CHECK((holds_code(page, key) || among_others));
    }
  }

  TEST_CASE("every word of a closed set stands in the reference") {
    const std::string page = read_file(kSource + "/docs/reference/plan.md");
    for (const Phase phase : kPhases) CHECK(holds_code(page, std::string(name(phase))));
    for (const StepKind kind : {StepKind::kStatement, StepKind::kConcurrent, StepKind::kBackfill, StepKind::kCheck,
                                StepKind::kGate, StepKind::kNote}) {
      CHECK(holds_code(page, std::string(name(kind))));
    }
    for (const auto kind : kConditionKinds) {
      CHECK(holds_code(page, std::string(name(kind))));
    }
    for (const auto duration : {pg::LockDuration::kMoment, pg::LockDuration::kScan, pg::LockDuration::kBuild,
                                pg::LockDuration::kRewrite, pg::LockDuration::kBatch}) {
      CHECK(holds_code(page, std::string(name(duration))));
    }
  }
}

}  // namespace falsework
