#include "executor/locks/blocker_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

// pg_blocking_pids() stops the lock manager for a moment (PG docs, functions-info), so it is not asked often.
constexpr milliseconds kFirstLook{60};
constexpr milliseconds kLookAgain{120};

}  // namespace

BlockerWatch::BlockerWatch(std::unique_ptr<pg::Session>& slot, OpenSession open, int pid,
                           std::vector<pg::TakenLock> locks, milliseconds patience)
    : slot_(slot),
      open_(std::move(open)),
      pid_(pid),
      locks_(std::move(locks)),
      patience_(patience),
      thread_([this](const std::stop_token& stop) { watch(stop); }) {}

std::vector<Holder> BlockerWatch::finish() {
  thread_.request_stop();
  thread_.join();
  return seen_;
}

// Returns false when asked to stop.
bool BlockerWatch::wait(const std::stop_token& stop, milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

void BlockerWatch::watch(const std::stop_token& stop) {
  if (!wait(stop, std::min(kFirstLook, patience_ / 3))) return;
  const auto until = std::chrono::steady_clock::now() + patience_;
  try {
    if (!slot_ || !slot_->is_open()) slot_ = open_();
    while (slot_) {
      std::vector<Holder> holders = find_blockers(*slot_, pid_, locks_);
      looked_ = true;
      if (!holders.empty()) seen_ = std::move(holders);
      if (std::chrono::steady_clock::now() >= until || !wait(stop, kLookAgain)) return;
    }
  } catch (const std::exception& error) {
    // Without a second session the report is taken afterwards; the step goes on in any case.
    slot_.reset();
    log_debug(fmt::format("who is in the way could not be looked up meanwhile: {}", error.what()));
  }
}

}  // namespace falsework
