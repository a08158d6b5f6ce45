#include "executor/stop_watcher.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/stop.h"

namespace falsework {

namespace {

constexpr std::chrono::milliseconds kLookInterval{50};
constexpr std::chrono::milliseconds kCancelInterval{500};

void watch(const std::stop_token& over, pg::Session& session) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!over.stop_requested()) {
    const bool stop = stop_requested();
    // Again and again: a request that comes before the statement began is lost.
    if (stop) session.cancel();
    wake.wait_for(lock, over, stop ? kCancelInterval : kLookInterval, [] { return false; });
  }
}

}  // namespace

StopWatcher::StopWatcher(pg::Session& session)
    : thread_([&session](const std::stop_token& over) { watch(over, session); }) {}

}  // namespace falsework
