#include "engine/forecast.h"

#include <algorithm>

namespace falsework {

namespace {

// Of striped passes (docs/backfill.md). A page is logged whole once per checkpoint, which is a row's own width; a fifth
// of the rows is logged whole once more, with its index entries; the rest as small differences.
constexpr double kWalPerWidth = 1.2;
constexpr double kWalPerRow = 270;
// The planner's estimate of the disk holds a fifth of the width, and the new value.
constexpr double kUsualValue = 8;
constexpr double kShareOfWidth = 0.2;
constexpr double kRowsPerSecond = 50000;  // of one worker, at the least that was measured on an idle machine

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
      const double wal = rows * (kWalPerWidth * width + kWalPerRow);
      forecast.wal_bytes = static_cast<std::int64_t>(wal);
      forecast.seconds = rows / kRowsPerSecond;
      if (wal_rate > 0) forecast.seconds = std::max(forecast.seconds, wal / static_cast<double>(wal_rate));
    }
    forecasts.push_back(std::move(forecast));
  }
  return forecasts;
}

}  // namespace falsework
