#include "tests/clients/traffic.h"

#include <fmt/format.h>

namespace falsework::test {

void Traffic::enter(const std::string& stage) {
  const std::lock_guard lock(mutex_);
  stage_ = stage;
}

void Traffic::acknowledged(const std::string& writer, const std::string& deed,
                           std::chrono::steady_clock::duration took) {
  const std::lock_guard lock(mutex_);
  ++statements_;
  ++deeds_[{writer, deed}];
  ++stages_[stage_];
  if (took > longest_.took) longest_ = {took, fmt::format("{} by {} during {}", deed, writer, stage_)};
}

void Traffic::failed(const std::string& writer, const std::string& sql, const std::string& sqlstate,
                     const std::string& message) {
  const std::lock_guard lock(mutex_);
  mishaps_.push_back(fmt::format("{} during {}: {} {} in: {}", writer, stage_, sqlstate, message, sql));
}

void Traffic::retried() {
  const std::lock_guard lock(mutex_);
  ++retries_;
}

void Traffic::wrong(const std::string& who, const std::string& what) {
  const std::lock_guard lock(mutex_);
  mishaps_.push_back(fmt::format("{} during {}: {}", who, stage_, what));
}

void Traffic::compared() {
  const std::lock_guard lock(mutex_);
  ++comparisons_;
}

std::vector<std::string> Traffic::mishaps() const {
  const std::lock_guard lock(mutex_);
  return mishaps_;
}

long Traffic::done(const std::string& writer, const std::string& deed) const {
  const std::lock_guard lock(mutex_);
  long count = 0;
  for (const auto& [who, times] : deeds_) {
    if (who.first.rfind(writer, 0) == 0 && who.second == deed) count += times;
  }
  return count;
}

long Traffic::during(const std::string& stage) const {
  const std::lock_guard lock(mutex_);
  const auto found = stages_.find(stage);
  return found == stages_.end() ? 0 : found->second;
}

long Traffic::comparisons() const {
  const std::lock_guard lock(mutex_);
  return comparisons_;
}

std::string Traffic::summary() const {
  const std::lock_guard lock(mutex_);
  const auto stall = std::chrono::duration_cast<std::chrono::milliseconds>(longest_.took);
  return fmt::format(
      "{} statements, {} mishaps, {} retried serialization failures, {} comparisons, longest client stall {} ms ({})",
      statements_, mishaps_.size(), retries_, comparisons_, stall.count(), longest_.in);
}

}  // namespace falsework::test
