// Measures a running copy and tells it on: to the observer and to the ledger, once per interval.
#pragma once

#include <chrono>
#include <string>

#include "executor/backfill/epoch.h"
#include "executor/run_context.h"

namespace falsework {

class CopyMeter {
 public:
  CopyMeter(RunContext& context, const Step& step, const CopyShape& shape, const CopyCursor& begun);

  // Tells when the interval is over. `reasons`: why it is slow just now.
  void tick(const CopyCursor& cursor, const std::vector<std::string>& reasons = {});
  // Tells the end.
  void finish(const CopyCursor& cursor);

 private:
  // Counters of the server, as they stand: of the table, and of the WAL of everybody.
  struct Sample {
    std::chrono::steady_clock::time_point at;
    std::int64_t rows = 0, blocks = 0, updated = 0, hot = 0;
    double wal_bytes = 0;
  };

  Sample sample(const CopyCursor& cursor) const;
  void tell(const CopyCursor& cursor, const Sample& now, const std::vector<std::string>& reasons);

  RunContext& context_;
  const Step& step_;
  const CopyShape shape_;
  Sample first_, last_;
};

}  // namespace falsework
