#include "bench/workload/measure.h"

#include <fmt/format.h>

#include <algorithm>

namespace falsework::bench {

namespace {

constexpr std::size_t kComplaints = 10;

std::string milliseconds(std::uint32_t microseconds) { return fmt::format("{:.1f} ms", microseconds / 1000.0); }

std::uint32_t percentile(const std::vector<std::uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

}  // namespace

void Measure::begin_stage(const std::string& name) {
  const std::lock_guard lock(mutex_);
  stages_.push_back({name, {}, 0, "", 0});
}

void Measure::took(std::chrono::microseconds time, const std::string& statement) {
  ++statements_;
  const auto sample = static_cast<std::uint32_t>(time.count());
  const std::lock_guard lock(mutex_);
  Stage& stage = stages_.back();
  stage.samples.push_back(sample);
  if (sample <= stage.longest) return;
  stage.longest = sample;
  stage.longest_statement = statement;
}

void Measure::complain(const std::string& text) {
  if (complaints_.size() < kComplaints) complaints_.push_back(fmt::format("[{}] {}", stages_.back().name, text));
}

void Measure::failed(const std::string& sqlstate, const std::string& message, const std::string& statement) {
  ++failures_;
  const std::lock_guard lock(mutex_);
  ++stages_.back().failures;
  const std::string state = sqlstate.empty() ? "no answer" : sqlstate;
  ++sqlstates_[state];
  complain(fmt::format("{}: {}  in: {}", state, message, statement));
}

void Measure::wrong(const std::string& what) {
  ++wrong_;
  const std::lock_guard lock(mutex_);
  complain("wrong answer: " + what);
}

void Measure::report(std::ostream& out) const {
  const std::lock_guard lock(mutex_);
  out << fmt::format("  {:<28} {:>10} {:>7} {:>10} {:>10} {:>10}\n", "clients, by stage", "statements", "failed", "p50",
                     "p99", "longest");
  const Stage* worst = nullptr;
  for (const Stage& stage : stages_) {
    if (stage.samples.empty()) continue;
    std::vector<std::uint32_t> sorted = stage.samples;
    std::sort(sorted.begin(), sorted.end());
    out << fmt::format("  {:<28} {:>10} {:>7} {:>10} {:>10} {:>10}\n", stage.name, sorted.size(), stage.failures,
                       milliseconds(percentile(sorted, 0.5)), milliseconds(percentile(sorted, 0.99)),
                       milliseconds(stage.longest));
    if (worst == nullptr || stage.longest > worst->longest) worst = &stage;
  }
  if (worst != nullptr) {
    out << fmt::format("  longest client stall: {}, in stage \"{}\": {}\n", milliseconds(worst->longest), worst->name,
                       worst->longest_statement);
  }
  for (const auto& [sqlstate, count] : sqlstates_) out << fmt::format("  SQLSTATE {}: {} times\n", sqlstate, count);
  for (const std::string& complaint : complaints_) out << "  " << complaint << "\n";
}

}  // namespace falsework::bench
