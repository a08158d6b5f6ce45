// Copies a table in striped passes over its block ranges, by several workers, until nothing is left in any of them.
//
// One rule: this thread alone speaks to the ledger and to the observer; the workers only copy. A range is done only
// when its own count of what remains says 0.
#pragma once

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "executor/backfill/board.h"
#include "executor/backfill/epoch.h"
#include "executor/backfill/meter.h"
#include "executor/backfill/vacuum.h"
#include "executor/backfill/watch.h"
#include "executor/backfill/worker.h"
#include "executor/run_context.h"

namespace falsework {

class TableCopy {
 public:
  // The cursor and the slots of an earlier try, or new ones.
  TableCopy(RunContext& context, const Step& step);

  // Goes on to the end and returns the last cursor. Throws stopped.* between batches, with all that is committed kept;
  // Error(lock.budget_exhausted) when nothing moved for the whole budget.
  CopyCursor run();

 private:
  void begin_or_resume();
  void record_begin();
  // One file of the table. False when it got another one meanwhile.
  bool run_epoch();
  void coordinate(CopyBoard& board, SegmentVacuum& vacuum, std::vector<std::unique_ptr<CopyWorker>>& workers,
                  std::vector<std::jthread>& threads);
  void decide(CopyBoard& board);
  void tell_pause();
  void tell_waiting(const std::vector<std::string>& lines);
  void require_movement(CopyBoard& board);
  // Why it is slow, each with since when.
  std::vector<std::string> reasons(const std::optional<TimePoint>& short_of_wal);

  RunContext& context_;
  const Step& step_;
  CopyCursor cursor_;
  std::vector<SlotCursor> slots_;
  CopyWatch watch_;
  CopyMeter meter_;
  Governor governor_;
  Decision decision_;
  bool paused_ = false;
  std::vector<std::string> waiting_;
  TimePoint waiting_since_;
};

}  // namespace falsework
