// One session that copies, in a thread of its own: short transactions, each with the cursor that it leaves.
//
// One rule: it yields. Its lock and statement timeouts are below deadlock_timeout, so that an application is never the
// victim of a deadlock with it; what it could not lock it leaves for later, in smaller pieces, row by row in the end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "executor/backfill/board.h"
#include "executor/run_context.h"
#include "state/postgres/copy_journal.h"

namespace falsework {

struct Batch {
  BlockRange range;
  int stripes = 1, stripe = 0;
};

enum class BatchOutcome {
  kDone,
  kYielded,    // a lock was not had in time; nothing was changed
  kTooLong,    // the time limit of a batch ended it; nothing was changed
  kRewritten,  // the table has another file; nothing was changed
};

class CopyWorker {
 public:
  // Reads only what is constant in the context; the session is opened by work().
  CopyWorker(const RunContext& context, const Step& step, const CopyCursor& copy, CopyBoard& board, int number);

  // The body of the thread: throws nothing, tells the board instead.
  void work() noexcept;

  static constexpr std::chrono::milliseconds kLockTimeout{200};
  static constexpr std::chrono::milliseconds kBatchTimeout{700};

 private:
  // Connects, with synchronous_commit off (WAL order is commit order, so that a crash loses a suffix of the batches,
  // cursors included), and registers the session under the run's epoch.
  void open();
  void open_once();
  void work_until_done();
  bool place(const Ticket& ticket);
  // False when it stopped in between.
  bool work_at(Ticket& ticket);
  void verify(Ticket& ticket, const BlockRange& range);

  void settle(Ticket ticket, std::vector<BlockRange> deferred);
  // True when the range is done. What is left of it goes to `left`, in halves where a lock was in the way.
  bool settle_range(Ticket& ticket, const BlockRange& range, std::vector<BlockRange>& left);
  void copy_rows(Ticket& ticket, const BlockRange& range);
  bool copy_row(Ticket& ticket, const std::string& lower, const std::string& upper);

  // Some tries with pauses; on success the board has it.
  BatchOutcome copy_patiently(const Batch& batch, Ticket& ticket, const GroupPosition& after, int most_tries = 3);
  BatchOutcome copy_once(const Batch& batch, Ticket& ticket, const GroupPosition& after);
  // In the open transaction: moves the slot and looks whether the file is still the one. False: it is not.
  bool leave_cursor(Ticket& after, BatchFacts& facts);
  double wal_of(const SlotMoved& moved, std::int64_t rows);
  // Rows of a range that are not yet done. Nullopt when that could not be counted now.
  std::optional<std::int64_t> remaining(const BlockRange& range);
  // While somebody holds the whole table against us, nothing is tried.
  void wait_for_table();
  void pause(int tries);

  const RunContext& context_;
  const Step& step_;
  const CopyCursor copy_;
  const int generation_;
  const int number_;
  CopyBoard& board_;
  std::minstd_rand random_;
  std::unique_ptr<pg::Session> session_;
  double last_wal_ = 0, wal_per_row_ = 500;
  TimePoint begun_, last_batch_;
  bool yielded_ = false;  // since the last round over the deferred ranges
};

}  // namespace falsework
