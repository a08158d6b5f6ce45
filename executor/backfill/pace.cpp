#include "executor/backfill/pace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr double kBurstSeconds = 0.5;
constexpr double kGrowBelow = 0.4;
constexpr double kShrinkAbove = 0.7;
constexpr double kReleaseBelow = 0.9;  // of a signal that holds, so that it does not flutter
constexpr auto kGrowEvery = std::chrono::seconds(15);
constexpr auto kShrinkEvery = std::chrono::seconds(5);

double use_of(const Signal& signal) {
  if (signal.limit <= 0 || signal.reading != Signal::Reading::kSeen) return 0;
  return signal.value / signal.limit;
}

std::string amount(double value, const std::string& unit) {
  if (unit == "bytes") return fmt::format("{:.0f} MB", value / 1048576.0);
  return fmt::format("{:.{}f}{}{}", value, value == std::floor(value) ? 0 : 1, unit.empty() ? "" : " ", unit);
}

}  // namespace

void TokenBucket::set_rate(double rate, TimePoint now) {
  fill(now);
  rate_ = rate;
  level_ = std::min(level_, rate_ * kBurstSeconds);
}

void TokenBucket::fill(TimePoint now) {
  if (filled_ != TimePoint{} && now > filled_) {
    level_ = std::min(rate_ * kBurstSeconds, level_ + rate_ * std::chrono::duration<double>(now - filled_).count());
  }
  filled_ = now;
}

void TokenBucket::take(double bytes, TimePoint now) {
  fill(now);
  if (rate_ > 0) level_ -= bytes;
}

milliseconds TokenBucket::wait(TimePoint now) {
  fill(now);
  if (rate_ <= 0 || level_ >= 0) return milliseconds(0);
  return milliseconds(static_cast<std::int64_t>(std::ceil(-level_ / rate_ * 1000)));
}

int usual_workers(std::int64_t cores, std::int64_t free_connections) {
  constexpr std::int64_t kMost = 4;
  return static_cast<int>(std::clamp<std::int64_t>(std::min(cores / 2, free_connections / 4), 1, kMost));
}

std::string describe(const Signal& signal) {
  const std::string who = signal.detail.empty() ? "" : fmt::format(" ({})", signal.detail);
  if (signal.reading == Signal::Reading::kLost) return fmt::format("{} can no longer be read{}", signal.name, who);
  if (signal.unit.empty()) return fmt::format("{}{}", signal.name, who);
  return fmt::format("{} {} over {}{}", signal.name, amount(signal.value, signal.unit),
                     amount(signal.limit, signal.unit), who);
}

Decision Governor::decide(TimePoint now, const std::vector<Signal>& signals, int wanted) {
  wanted = std::max(1, wanted);
  Decision decision;
  double use = 0;
  bool stale = false;
  std::map<std::string, TimePoint> since;
  const auto reason = [&](const Signal& signal) {
    const auto known = since_.find(signal.name);
    since[signal.name] = known == since_.end() ? now : known->second;
    decision.reasons.push_back({signal.name, describe(signal), since[signal.name]});
  };
  for (const Signal& signal : signals) {
    const bool looked_at = signal.limit > 0;
    stale = stale || (looked_at && signal.reading == Signal::Reading::kStale);
    const bool lost = looked_at && signal.reading == Signal::Reading::kLost;
    const double share = use_of(signal);
    const bool over = share >= (since_.contains(signal.name) ? kReleaseBelow : 1.0);
    if (signal.kind == Signal::Kind::kHolds) use = std::max(use, share);
    if (!lost && !over) continue;
    reason(signal);
    if (signal.kind == Signal::Kind::kHolds) decision.hold = true;
    if (signal.kind == Signal::Kind::kSlows) decision.slow = true;
  }
  since_ = std::move(since);
  if (workers_ == 0 || workers_ > wanted) workers_ = wanted;
  if (decision.hold && !held_) {
    workers_ = std::max(1, workers_ / 2);
    changed_ = now;
  } else if (!decision.hold && use > kShrinkAbove && workers_ > 1 && now - changed_ >= kShrinkEvery) {
    --workers_;
    changed_ = now;
  } else if (use < kGrowBelow && !decision.hold && !stale && workers_ < wanted && now - changed_ >= kGrowEvery) {
    ++workers_;
    changed_ = now;
  }
  held_ = decision.hold;
  decision.workers = decision.slow ? 1 : workers_;
  return decision;
}

}  // namespace falsework
