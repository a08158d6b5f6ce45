#include "engine/forecast.h"

#include <doctest/doctest.h>

namespace falsework {

namespace {

Plan plan_with_copy(std::int64_t rows, std::int64_t bytes) {
  Plan plan;
  Step step;
  step.id = "orders/backfill/copy";
  step.kind = StepKind::kBackfill;
  step.estimate = {rows, bytes};
  plan.steps = {Step{}, step};
  return plan;
}

}  // namespace

TEST_SUITE_BEGIN("engine/forecast");

TEST_CASE("a copy is forecast from the plan's estimate: WAL by the width of a row, time by the rate") {
  // A million rows of 170 bytes on the disk: a fifth of that, and 8 for the value.
  const auto forecasts = forecast_copies(plan_with_copy(1000000, 42000000), std::int64_t{32} << 20);
  REQUIRE(forecasts.size() == 1);
  CHECK(forecasts[0].step == "orders/backfill/copy");
  CHECK(forecasts[0].rows == 1000000);
  CHECK(forecasts[0].disk_bytes == 42000000);
  CHECK(forecasts[0].wal_bytes == 474000000);
  CHECK(forecasts[0].seconds == doctest::Approx(20));  // 50,000 rows a second are fewer than 32 MB of WAL allow
  CHECK(forecast_copies(plan_with_copy(1000000, 42000000), 1000000)[0].seconds == doctest::Approx(474));
  CHECK(forecast_copies(plan_with_copy(1000000, 42000000), 0)[0].seconds == doctest::Approx(20));
}

TEST_CASE("every page with a row to copy is logged whole, also where few of its rows are copied") {
  // A tenth of ten million rows of 170 bytes.
  Plan plan = plan_with_copy(1000000, 42000000);
  Step proof;
  proof.kind = StepKind::kCheck;
  proof.check.emplace().proof = true;
  proof.needs = {plan.steps.back().id};
  proof.estimate.rows = 10000000;
  plan.steps.push_back(proof);
  CHECK(forecast_copies(plan, 0).at(0).wal_bytes == 2004000000);
  // One in ten thousand: no more pages than rows.
  plan = plan_with_copy(1000, 42000);
  plan.steps.push_back(proof);
  CHECK(forecast_copies(plan, 0).at(0).wal_bytes == 8192000 + 304000);
}

TEST_CASE("an empty table takes no time") {
  const auto forecasts = forecast_copies(plan_with_copy(0, 0), 0);
  CHECK(forecasts.at(0).wal_bytes == 0);
  CHECK(forecasts.at(0).seconds == 0);
}

TEST_SUITE_END();

}  // namespace falsework
