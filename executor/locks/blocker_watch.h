// Who stands in the way of a try, seen while it waits: from a second session, for the first one is waiting.
//
// One rule: what is seen after a try has ended may be those who waited behind it; so only looks during the wait count.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "executor/locks/holders.h"
#include "postgres/session/session.h"

namespace falsework {

using OpenSession = std::function<std::unique_ptr<pg::Session>()>;

// Looks from a thread of its own, from construction until finish() or destruction, at most for as long as a try may
// wait. The second session is opened on the first look and left in `slot` for the next watch.
class BlockerWatch {
 public:
  // `pid` is the backend that waits for `locks`, at most `patience` long.
  BlockerWatch(std::unique_ptr<pg::Session>& slot, OpenSession open, int pid, std::vector<pg::TakenLock> locks,
               std::chrono::milliseconds patience);
  BlockerWatch(const BlockerWatch&) = delete;
  BlockerWatch& operator=(const BlockerWatch&) = delete;
  ~BlockerWatch() = default;  // the thread is asked to stop, and joined

  // Ends the watch; returns whom the last look found that found anybody.
  std::vector<Holder> finish();
  // Whether it could look at all. After finish().
  bool looked() const { return looked_; }

 private:
  void watch(const std::stop_token& stop);
  bool wait(const std::stop_token& stop, std::chrono::milliseconds time);

  std::unique_ptr<pg::Session>& slot_;
  const OpenSession open_;
  const int pid_;
  const std::vector<pg::TakenLock> locks_;
  const std::chrono::milliseconds patience_;
  std::vector<Holder> seen_;
  bool looked_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last, for it uses the others
};

}  // namespace falsework
