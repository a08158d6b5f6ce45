// Where a run stands: the fold of its events.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plans/plan.h"
#include "state/event.h"

namespace falsework {

enum class StepState { kPending, kRunning, kDone, kFailed, kUndone, kSkipped };
std::string_view name(StepState state);  // pending, running, …

// One thing that a copy looks at to keep out of the application's way.
struct SignalNumber {
  std::string name;  // replica_lag
  std::string unit;
  std::string state;  // ok, slows, holds, off, absent, unreadable, stale
  std::string since;  // RFC 3339, of slows and holds
  std::string detail;
  double value = 0, limit = 0;
  bool operator==(const SignalNumber&) const = default;
};

// Numbers of a running copy, as they stand in `status --json`.
struct Progress {
  std::int64_t rows = 0, total = 0;  // rows copied; estimate of all
  std::int64_t blocks = 0, total_blocks = 0;
  std::string phase;    // of an index build, in the server's words; rows and blocks are those of this phase
  double rate = 0;      // rows per second, recent
  double eta_s = -1;    // -1 unknown
  double wal_rate = 0;  // bytes per second
  double hot_share = -1;
  int workers = 0;                        // that copy just now
  std::vector<std::string> throttled_by;  // every reason, with since when
  std::vector<SignalNumber> signals;      // all that is looked at, those with room included
  bool operator==(const Progress&) const = default;
};
std::string render_progress(const Progress& progress);  // JSON, one line
Progress parse_progress(const std::string& json);

struct StepStatus {
  StepState state = StepState::kPending;
  int attempts = 0;
  int generation = 0;
  bool undoing = false;  // an undo was begun and is not finished
  bool proof_failed = false;
  std::string started_at, ended_at;
  std::string last_error, sqlstate;
  std::int64_t rows = -1;
  Progress progress;
};

enum class RunPhaseState { kRunning, kWaiting, kPaused, kFailed, kDone, kRolledBack };
std::string_view name(RunPhaseState state);  // running, waiting, paused, failed, done, rolled_back

struct RunState {
  std::string run;
  RunPhaseState state = RunPhaseState::kPaused;
  bool held_by_pause = false;               // its engine is there and waits for `resume`
  std::map<std::string, StepStatus> steps;  // every step of the plan
  std::set<std::string> open_gates;         // ids of gate steps
  std::string waiting;                      // what the run was last found to wait for: `gate: condition, condition`
  std::int64_t last_serial = 0;
};

// Folds the events of one run over its plan. Pure.
RunState fold(const Plan& plan, const std::vector<Event>& events);

}  // namespace falsework
