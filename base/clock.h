// Time as a dependency, so that tests can move it.
//
// One rule: wall-clock time is for records only; waits and budgets use the monotonic clock.
#pragma once

#include <chrono>
#include <string>

namespace falsework {

using Milliseconds = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since the epoch, for records.
  virtual std::chrono::system_clock::time_point now() const = 0;
  // For waits, budgets and rates.
  virtual std::chrono::steady_clock::time_point monotonic() const = 0;
  // Sleeps, in slices short enough that a stop request is noticed within 100 ms; returns false when stopped early.
  virtual bool sleep(Milliseconds duration) = 0;
};

// The machine's clocks; `sleep` ends early when stop_requested() (base/stop.h).
class SystemClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override;
  std::chrono::steady_clock::time_point monotonic() const override;
  bool sleep(Milliseconds duration) override;
};

// Stands still until told otherwise; `sleep` advances it at once.
class ManualClock final : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return now_; }
  std::chrono::steady_clock::time_point monotonic() const override { return monotonic_; }
  bool sleep(Milliseconds duration) override {
    advance(duration);
    return true;
  }
  void advance(Milliseconds duration) {
    now_ += duration;
    monotonic_ += duration;
  }

 private:
  std::chrono::system_clock::time_point now_{};
  std::chrono::steady_clock::time_point monotonic_{};
};

// Renders a time as RFC 3339 in UTC with milliseconds: 2026-12-01T03:00:00.000Z.
std::string render_time(std::chrono::system_clock::time_point time);

}  // namespace falsework
