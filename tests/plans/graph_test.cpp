#include "plans/graph.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "tests/plans/sample_plan.h"

namespace falsework {
using Ids = std::vector<std::string>;

namespace {

Step step(const std::string& id, Phase phase, Ids needs = {}) {
  Step result;
  result.id = id;
  result.phase = phase;
  result.needs = std::move(needs);
  return result;
}

std::string complaint(const std::vector<Step>& steps) {
  try {
    order_steps(steps);
    return "";
  } catch (const Error& error) {
    CHECK(error.code() == "plan.invalid");
    return error.what();
  }
}

}  // namespace

TEST_SUITE("plans/graph") {
  TEST_CASE("without needs, steps keep the given order within their phases") {
    CHECK(order_steps({}) == Ids{});
    CHECK(order_steps({step("c", Phase::kContract), step("b", Phase::kExpand), step("a", Phase::kExpand),
                       step("d", Phase::kBackfill)}) == Ids{"b", "a", "d", "c"});
  }

  TEST_CASE("a step comes after what it needs, and as early as the given order has it") {
    CHECK(order_steps({step("a", Phase::kExpand, {"c"}), step("b", Phase::kExpand), step("c", Phase::kExpand),
                       step("d", Phase::kExpand)}) == Ids{"b", "c", "a", "d"});
  }

  TEST_CASE("a need that is named twice counts once") {
    CHECK(order_steps({step("a", Phase::kExpand), step("b", Phase::kSwitch, {"a", "a"})}) == Ids{"a", "b"});
  }

  TEST_CASE("any order of steps that are given gives an order that respects needs and phases") {
    std::vector<Step> steps = {step("1", Phase::kExpand),           step("2", Phase::kExpand, {"1"}),
                               step("3", Phase::kDualWrite, {"1"}), step("4", Phase::kDualWrite, {"2", "3"}),
                               step("5", Phase::kSwitch),           step("6", Phase::kSwitch, {"5", "4"})};
    std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
    do {
      std::vector<Step> shuffled;
      for (const std::size_t i : order) shuffled.push_back(steps[i]);
      const Ids ids = order_steps(shuffled);
      CAPTURE(ids);
      REQUIRE(ids == Ids{"1", "2", "3", "4", "5", "6"});
    } while (std::next_permutation(order.begin(), order.end()));
  }

  TEST_CASE("a circle is refused, and every step of it is named in turn") {
    CHECK(complaint({step("a", Phase::kExpand, {"a"})}) == "steps need each other in a circle: a needs a");
    CHECK(complaint({step("x", Phase::kExpand), step("a", Phase::kExpand, {"x", "c"}), step("b", Phase::kExpand, {"a"}),
                     step("c", Phase::kExpand, {"b"}), step("d", Phase::kExpand, {"c"})}) ==
          "steps need each other in a circle: a needs c needs b needs a");
  }

  TEST_CASE("an unknown need, a doubled id and a need of a later phase are refused by name") {
    CHECK(complaint({step("a", Phase::kExpand, {"z"})}) == "step a needs z, which is not in the plan");
    CHECK(complaint({step("a", Phase::kExpand), step("a", Phase::kSwitch)}) == "two steps have the id a");
    CHECK(complaint({step("a", Phase::kExpand, {"b"}), step("b", Phase::kSwitch)}) ==
          "step a needs b, which belongs to the later phase switch");
  }

  TEST_CASE("upstream is all that a step needs and downstream all that needs it, in plan order") {
    Plan plan;
    plan.name = "p";
    plan.steps = {step("a", Phase::kExpand), step("b", Phase::kExpand, {"a"}), step("lone", Phase::kExpand),
                  step("c", Phase::kExpand, {"a"}), step("d", Phase::kExpand, {"c", "b"})};
    CHECK(upstream(plan, "d") == Ids{"a", "b", "c"});
    CHECK(upstream(plan, "b") == Ids{"a"});
    CHECK(upstream(plan, "a") == Ids{});
    CHECK(downstream(plan, "a") == Ids{"b", "c", "d"});
    CHECK(downstream(plan, "c") == Ids{"d"});
    CHECK(downstream(plan, "lone") == Ids{});
    CHECK_THROWS_WITH_AS(upstream(plan, "z"), "the plan of p has no step z", Error);
    CHECK_THROWS_WITH_AS(downstream(plan, "z"), "the plan of p has no step z", Error);
  }

  TEST_CASE("a long chain of steps is no trouble") {
    Plan plan;
    plan.name = "p";
    plan.steps.push_back(step("0", Phase::kExpand));
    for (int i = 1; i < 5000; ++i)
      plan.steps.push_back(step(std::to_string(i), Phase::kExpand, {std::to_string(i - 1)}));
    CHECK(order_steps(plan.steps).size() == 5000);
    CHECK(upstream(plan, "4999").size() == 4999);
  }
}

}  // namespace falsework
