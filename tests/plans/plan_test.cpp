#include "plans/plan.h"

#include <doctest/doctest.h>

#include "tests/plans/sample_plan.h"

namespace falsework {

TEST_SUITE("plans/plan") {
  TEST_CASE("every phase and kind of step is known by its name, and by no other") {
    for (const Phase phase : kPhases) CHECK(parse_phase(name(phase)) == phase);
    CHECK(name(Phase::kDualWrite) == "dual_write");
    CHECK(name(Phase::kContract) == "contract");
    for (const StepKind kind : {StepKind::kStatement, StepKind::kConcurrent, StepKind::kBackfill, StepKind::kCheck,
                                StepKind::kGate, StepKind::kNote}) {
      CHECK(parse_step_kind(name(kind)) == kind);
    }
    CHECK(name(StepKind::kConcurrent) == "concurrent");
    for (const char* const unknown : {"", "Expand", "expand ", "dual-write", "kExpand"}) {
      CAPTURE(unknown);
      CHECK_FALSE(parse_phase(unknown).has_value());
      CHECK_FALSE(parse_step_kind(unknown).has_value());
    }
  }

  TEST_CASE("a step is found by its id") {
    const Plan plan = testing::sample_plan();
    for (const Step& step : plan.steps) CHECK(plan.step(step.id) == &step);
    CHECK(plan.step("users.email_address/dual_write/") == nullptr);
  }

  TEST_CASE("a stamp covers everything but itself") {
    Plan plan = testing::sample_plan();
    stamp(plan);
    CHECK(plan.digest.size() == 64);
    CHECK(plan.digest == digest_of(plan));
    Plan other = plan;
    other.steps.back().why += ".";
    CHECK(digest_of(other) != plan.digest);
    stamp(other);
    stamp(other);
    CHECK(other.digest == digest_of(other));
  }
}

}  // namespace falsework
