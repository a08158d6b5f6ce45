// One session that copies: short transactions, each with the cursor that it leaves.
//
// One rule: it yields. Its lock timeout is far below deadlock_timeout, so that an application is never the victim of a
// deadlock with it, and what it could not lock it leaves for later.
#pragma once

#include <cstdint>
#include <memory>

#include "executor/backfill/epoch.h"
#include "executor/run_context.h"

namespace falsework {

struct Batch {
  BlockRange range;
  int stripes = 1, stripe = 0;
};

enum class BatchOutcome {
  kDone,
  kYielded,    // a lock was not had in time; nothing was changed
  kRewritten,  // the table has another file; nothing was changed
};

class CopyWorker {
 public:
  // Connects, with synchronous_commit off (WAL order is commit order, so that a crash loses a suffix of the batches,
  // cursors included), and registers the session under the run's epoch.
  CopyWorker(RunContext& context, const Step& step);

  // Copies one batch. `after` is the cursor to leave behind; its rows grow by those copied.
  BatchOutcome run(const Batch& batch, CopyCursor& after);

  // Rows of a range that are not yet done. Nullopt when that could not be counted now.
  std::optional<std::int64_t> remaining(const BlockRange& range);

  static constexpr std::chrono::milliseconds kLockTimeout{200};

 private:
  RunContext& context_;
  const Step& step_;
  std::unique_ptr<pg::Session> session_;
};

}  // namespace falsework
