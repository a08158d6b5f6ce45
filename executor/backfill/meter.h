// Measures a running copy and tells it on: to the observer and to the ledger, once per interval.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "executor/backfill/board.h"
#include "executor/backfill/epoch.h"
#include "executor/run_context.h"

namespace falsework {

class CopyMeter {
 public:
  CopyMeter(RunContext& context, const Step& step) : context_(context), step_(step) {}

  // Counts from here on; once for each file of the table.
  void begin(const CopyCursor& copy);

  // Tells when the interval is over. `reasons`: why it is slow just now, each with since when; `short_of_wal`: since
  // when it waits for its rate of WAL, `wal_rate` in bytes per second.
  void tick(const CopyCursor& copy, const CopyTotals& totals, const std::vector<std::string>& reasons,
            const Decision& decision, const std::optional<TimePoint>& short_of_wal, const std::vector<Signal>& signals,
            double wal_rate);
  // Tells the end.
  void finish(const CopyCursor& copy, const CopyTotals& totals);
  // The next tick tells, whatever the interval.
  void tell_soon() { soon_ = true; }

  // Of the table's updates since the copy began; -1: not known yet.
  double hot_share() const { return hot_share_; }
  // A moment of the monotonic clock as the ledger writes times.
  std::string wall_time(TimePoint moment) const;

 private:
  // Counters of the server, as they stand: of the table, and of the WAL of everybody.
  struct Sample {
    TimePoint at;
    std::int64_t rows = 0, blocks = 0, updated = 0, hot = 0;
    double wal_bytes = 0, wal_of_copy = 0;
  };

  Sample sample(const CopyTotals& totals) const;
  void tell(const CopyCursor& copy, const Sample& now, Progress progress);

  RunContext& context_;
  const Step& step_;
  Sample first_, last_;
  double hot_share_ = -1;
  double pace_ = -1;  // blocks per second, smoothed; -1: not known yet
  bool soon_ = false;
};

}  // namespace falsework
