// What the copies of a plan will cost: rows, WAL, disk and time.
//
// One rule: computed from the plan alone, so that a live database and a snapshot of it give the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plans/plan.h"

namespace falsework {

struct CopyForecast {
  std::string step;
  std::int64_t rows = 0;
  std::int64_t wal_bytes = 0;
  std::int64_t disk_bytes = 0;  // that the heap grows by
  std::int64_t wal_rate = 0;    // bytes per second that the time is for
  double seconds = 0;           // at that rate; 0 for an empty table
};

// One for each copy, in the order of the plan. `wal_rate`: bytes per second; 0: without limit.
std::vector<CopyForecast> forecast_copies(const Plan& plan, std::int64_t wal_rate);

}  // namespace falsework
