// How much a plan asks of those who use the tables, in one word and one line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "plans/plan.h"

namespace falsework::runbook {

// What can go wrong with a plan, counted.
struct Risk {
  std::size_t short_stalls = 0;  // steps that block writes for a moment
  std::size_t long_stalls = 0;   // steps that block writes for longer
  std::size_t rewrites = 0;
  std::size_t irreversible = 0;
  std::size_t archived = 0;  // steps whose undo needs an archive
  std::size_t copies = 0;
  std::int64_t rows = 0, bytes = 0;    // copied; added to the disk by all steps
  std::chrono::milliseconds stall{0};  // the longest lock timeout of a step that blocks writes
};

Risk risk_of(const Plan& plan);

// High: a step rewrites a table, or blocks writes for longer than a moment. Medium: a step cannot be undone, or rows
// are copied. Low: neither.
std::string_view level_of(const Risk& risk);

std::string risk_line(const Risk& risk);

}  // namespace falsework::runbook
