// How a step gets its locks without making others wait: look, then leap.
//
// One rule: whoever waits in a lock queue makes everybody behind it wait too. So it looks first, without queueing;
// while a holder is older than the lock timeout it waits outside; then it tries with that timeout, and again after a
// pause, up to a budget, past which it gives up rather than try without a limit.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "executor/locks/blocker_watch.h"
#include "plans/plan.h"
#include "postgres/session/session.h"

namespace falsework {

// Pauses with full jitter: uniform below base × 2^n, at most the cap.
class BackOff {
 public:
  BackOff(std::minstd_rand& random, std::chrono::milliseconds base, std::chrono::milliseconds cap)
      : random_(random), ceiling_(base), cap_(cap) {}
  std::chrono::milliseconds next();

 private:
  std::minstd_rand& random_;
  std::chrono::milliseconds ceiling_;
  const std::chrono::milliseconds cap_;
};

struct LockTry {
  int number = 1;
  std::chrono::milliseconds lock_timeout{0};                  // 0: none
  std::optional<std::chrono::milliseconds> deadlock_timeout;  // lower, so that an autovacuum gives way
};

struct Leap {
  std::vector<pg::TakenLock> locks;
  std::chrono::milliseconds lock_timeout{500};  // 0: what waits by nature; one try, without a look
  std::chrono::milliseconds budget{600000};
  std::string what;  // for the error: `step users/expand/column`
  std::function<void(int attempt, const std::vector<std::string>& blockers)> blocked;
  OpenSession open_watch;  // a second session, to look while the first one waits; may be empty
  bool terminate_blockers = false;
  std::chrono::milliseconds grace{5000};       // how long one must have stood in the way before it is ended
  std::function<std::vector<int>()> our_pids;  // backends of engines, which are never ended; may be empty
};

// Runs `attempt` until it gets its locks: it opens a transaction with the timeouts of the try and lets SqlError out.
// Only a lock timeout, a deadlock and a serialization failure are tried again. Throws Error(lock.budget_exhausted)
// with who stood in the way, or stopped.* between tries.
void look_then_leap(pg::Session& session, Clock& clock, std::minstd_rand& random, const Leap& leap,
                    const std::function<void(const LockTry&)>& attempt);

}  // namespace falsework
