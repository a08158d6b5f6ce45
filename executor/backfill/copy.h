// Copies a table in striped passes over its block ranges, until nothing is left in any of them.
//
// One rule: a range is done only when its own count of what remains says 0; what could not be locked comes back at the
// end, in smaller pieces, for as long as it takes.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "executor/backfill/epoch.h"
#include "executor/backfill/meter.h"
#include "executor/backfill/worker.h"
#include "executor/locks/look_then_leap.h"
#include "executor/run_context.h"

namespace falsework {

class TableCopy {
 public:
  TableCopy(RunContext& context, const Step& step, CopyCursor cursor, CopyShape shape = {});

  // Goes on from the cursor to the end and returns the last one. Throws stopped.* between batches, with all that is
  // committed kept; Error(lock.budget_exhausted) when nothing moved for the whole budget.
  CopyCursor run();

 private:
  void run_position();
  void verify_range(const BlockRange& range);
  void settle_deferred();
  bool settle(const BlockRange& range, std::vector<BlockRange>& left);

  // Three tries with pauses; false when the batch must be left for later.
  bool copy_patiently(const Batch& batch, CopyCursor after);
  // While somebody holds the whole table against us, nothing is tried.
  void wait_for_table();
  void begin_new_epoch();
  void defer(const BlockRange& range);
  void moved();
  void wait_for_movement(std::chrono::milliseconds pause);

  RunContext& context_;
  const Step& step_;
  const CopyShape shape_;
  CopyCursor cursor_;
  CopyWorker worker_;
  CopyMeter meter_;
  std::chrono::steady_clock::time_point last_movement_;
  bool yielded_ = false;   // since the last round over the deferred ranges
  int barren_rounds_ = 0;  // rounds that met no lock and yet left rows behind
};

}  // namespace falsework
