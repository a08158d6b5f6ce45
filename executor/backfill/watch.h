// Looks at the server while a copy runs: replicas, archiver, sessions, locks, snapshots, and what people have set.
//
// One rule: it looks and never writes. A signal that could not be read keeps its last value and grows stale; one that
// was there and is gone counts as lost.
#pragma once

#include <string>
#include <vector>

#include "executor/backfill/pace.h"
#include "executor/run_context.h"
#include "state/postgres/copy_journal.h"

namespace falsework {

struct CopyDefaults {
  static constexpr std::int64_t kWalRate = std::int64_t{32} << 20;  // bytes per second
  static constexpr std::chrono::milliseconds kMaxLag{10000};
};

class CopyWatch {
 public:
  CopyWatch(RunContext& context, const Step& step);

  // Reads the control, and the signals once per interval. Throws ConnectionLost.
  void look();

  const CopyControl& control() const { return control_; }
  const std::vector<Signal>& signals() const { return signals_; }
  int wanted_workers() const;
  double wal_rate() const;
  // Blocks of a group: enough for all workers to have some, and larger while snapshots outlive a pass.
  std::int64_t group_blocks(std::int64_t blocks, double hot_share);

 private:
  void read_limits_of_server();
  void read_signals();
  void read_replicas(std::vector<Signal>& signals);
  void read_sessions(std::vector<Signal>& signals);
  void read_condition(std::vector<Signal>& signals);
  void grow_stale(TimePoint now);

  RunContext& context_;
  const Step& step_;
  CopyControl control_;
  std::vector<Signal> signals_;
  TimePoint looked_, read_;
  int workers_of_server_ = 1;
  std::int64_t most_group_blocks_ = 2048, group_blocks_ = 2048;
  std::int64_t standbys_seen_ = 0;
  std::string horizon_;
  TimePoint horizon_since_;
  std::vector<double> probes_;  // ms, of the last looks
};

}  // namespace falsework
