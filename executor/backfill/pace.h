// How fast a copy may go: a budget of WAL bytes, and what the signals of the server allow.
//
// One rule: pure. Time and signals come in, a decision goes out; any one signal is enough to hold, and a signal that is
// lost holds too.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace falsework {

using TimePoint = std::chrono::steady_clock::time_point;

// A bucket of bytes that fills at a rate, up to half a second's worth. What is taken may leave it in debt.
class TokenBucket {
 public:
  // Bytes per second; 0: without limit.
  void set_rate(double rate, TimePoint now);
  void take(double bytes, TimePoint now);
  // How long until the debt is paid; 0 when there is none.
  std::chrono::milliseconds wait(TimePoint now);

 private:
  void fill(TimePoint now);

  double rate_ = 0, level_ = 0;
  TimePoint filled_;
};

// One thing that is looked at, and its limit.
struct Signal {
  enum class Kind {
    kHolds,  // at its limit the copy holds
    kSlows,  // at its limit one worker goes on, with pauses
  };
  enum class Reading { kSeen, kAbsent, kUnreadable, kStale, kLost };
  std::string name;  // replica_lag
  Kind kind = Kind::kHolds;
  Reading reading = Reading::kAbsent;
  double value = 0, limit = 0;  // a limit of 0: not looked at
  std::string unit;             // s, bytes, segments, sessions, ms
  std::string detail;           // who
};

struct Reason {
  std::string name;
  std::string text;  // for people: `replica_lag 12.4 s over 10 s`
  TimePoint since;
};

struct Decision {
  bool hold = false;
  bool slow = false;  // a pause as long as each batch
  int workers = 1;
  std::vector<Reason> reasons;  // all of them, in the order of the signals
};

class Governor {
 public:
  // `wanted`: the workers that it grows to while all is well.
  Decision decide(TimePoint now, const std::vector<Signal>& signals, int wanted);

 private:
  int workers_ = 0;  // 0: nothing decided yet
  bool held_ = false;
  TimePoint changed_;
  std::map<std::string, TimePoint> since_;
};

// The workers of a copy for which nobody has said a number: half of the cores, a quarter of the connections that are
// still to be had, and never more than four; at least one.
int usual_workers(std::int64_t cores, std::int64_t free_connections);

// `replica_lag 12.4 s over 10 s (standby1)`; a lost one says so.
std::string describe(const Signal& signal);

}  // namespace falsework
