// Cancels a session's running statement when the process is asked to stop.
//
// One rule: it lives around statements that may take long, and never around a clean-up.
#pragma once

#include <thread>

#include "postgres/session/session.h"

namespace falsework {

class StopWatcher {
 public:
  explicit StopWatcher(pg::Session& session);
  ~StopWatcher() = default;
  StopWatcher(const StopWatcher&) = delete;
  StopWatcher& operator=(const StopWatcher&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace falsework
