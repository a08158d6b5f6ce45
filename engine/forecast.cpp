#include "engine/forecast.h"

#include <algorithm>

namespace falsework {

namespace {

// Of striped passes (docs/backfill.md). Each page with a row to copy is logged whole once, however few of its rows are
// copied; a fifth of the copied rows is logged whole once more, with its index entries; the rest as small differences.
constexpr double kPage = 8192;
constexpr double kWalPerRow = 270;
// The planner's estimate of the disk holds a fifth of the width, and the new value.
constexpr double kUsualValue = 8;
constexpr double kShareOfWidth = 0.2;
constexpr double kRowsPerSecond = 50000;  // of one worker, at the least that was measured on an idle machine

// Of the whole table: the proof that follows a copy reads every row.
double rows_of_table(const Plan& plan, const Step& copy) {
  std::int64_t rows = copy.estimate.rows;
  for (const Step& step : plan.steps) {
    const bool follows = std::find(step.needs.begin(), step.needs.end(), copy.id) != step.needs.end();
    if (follows && step.check && step.check->proof) rows = std::max(rows, step.estimate.rows);
  }
  return static_cast<double>(rows);
}

}  // namespace

std::vector<CopyForecast> forecast_copies(const Plan& plan, std::int64_t wal_rate) {
  std::vector<CopyForecast> forecasts;
  for (const Step& step : plan.steps) {
    if (step.kind != StepKind::kBackfill) continue;
    CopyForecast forecast;
    forecast.step = step.id;
    forecast.rows = step.estimate.rows;
    forecast.disk_bytes = step.estimate.bytes;
    forecast.wal_rate = wal_rate;
    if (forecast.rows > 0) {
      const auto rows = static_cast<double>(forecast.rows);
      const double width = std::max(0.0, static_cast<double>(forecast.disk_bytes) / rows - kUsualValue) / kShareOfWidth;
      const double pages = std::min(rows_of_table(plan, step) * width, rows * kPage);
      const double wal = pages + rows * (kShareOfWidth * width + kWalPerRow);
      forecast.wal_bytes = static_cast<std::int64_t>(wal);
      forecast.seconds = rows / kRowsPerSecond;
      if (wal_rate > 0) forecast.seconds = std::max(forecast.seconds, wal / static_cast<double>(wal_rate));
    }
    forecasts.push_back(std::move(forecast));
  }
  return forecasts;
}

}  // namespace falsework
