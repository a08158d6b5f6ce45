#include "base/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <thread>

#include "base/stop.h"

namespace falsework {

namespace {
constexpr Milliseconds kSlice{50};
}

std::chrono::system_clock::time_point SystemClock::now() const { return std::chrono::system_clock::now(); }

std::chrono::steady_clock::time_point SystemClock::monotonic() const { return std::chrono::steady_clock::now(); }

bool SystemClock::sleep(Milliseconds duration) {
  const auto end = monotonic() + duration;
  while (!stop_requested()) {
    const auto left = end - monotonic();
    if (left <= std::chrono::steady_clock::duration::zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(left, kSlice));
  }
  return false;
}

std::string render_time(std::chrono::system_clock::time_point time) {
  // Floor, not truncation: a time before 1970 must not render a negative fraction.
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction = std::chrono::floor<Milliseconds>(time - seconds).count();
  const std::time_t unix_time = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  gmtime_r(&unix_time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, fraction);
}

}  // namespace falsework
