// What the threads of one copy share: which blocks are whose, how far each is, and whether they may go on.
//
// One rule: a group is handed out only after its row in the journal is committed, one hand-out at a time; so all blocks
// below the end of the last group are done or in a slot, whatever crashes.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "executor/backfill/epoch.h"
#include "executor/backfill/pace.h"

namespace falsework {

struct Ticket {
  int slot = 0;
  SlotCursor cursor;
};

// What one batch did.
struct BatchFacts {
  std::int64_t rows = 0;
  std::chrono::steady_clock::duration took{};
  double wal_bytes = 0;
  std::int64_t revision = 0;
};

struct CopyTotals {
  std::int64_t rows = 0, blocks = 0;
  double wal_bytes = 0;  // that the copy wrote since this board was made
  int working = 0;
};

class CopyBoard {
 public:
  enum class Turn { kGo, kGiveBack, kStop };

  // `every_batch_told`: a batch waits until the one before it was told.
  CopyBoard(const CopyCursor& copy, std::vector<SlotCursor> slots, TimePoint now, bool every_batch_told);

  // For workers; all of them may block, and none does once the board is stopped.

  // Whether worker `number` may begin a batch now; waits while the copy is held, or this worker is one too many.
  // `holds_group`: it would have to give that back first.
  Turn turn(int number, bool holds_group);
  // The next group. `place` commits its row; false: not now. Nullopt when there is none just now.
  std::optional<Ticket> take(const std::function<bool(const Ticket&)>& place);
  void give_back(const Ticket& ticket);
  void finish(const Ticket& ticket);
  // True for one worker, when every group is done.
  bool begin_settling(Ticket& ticket, std::vector<BlockRange>& deferred);
  void settled();
  void moved(const Ticket& ticket, const BatchFacts& facts);
  // A batch ran into its time limit: smaller ones from now on.
  void too_long();
  void rest(std::chrono::milliseconds pause);  // ends early when the board is stopped
  bool stopping();
  void fail(std::exception_ptr error);
  void rewritten();
  // What stands in the way of a worker, as lines for people; empty when nothing does any more.
  void set_waiting(std::vector<std::string> lines);
  void report();
  std::int64_t range_blocks();
  bool is_slow();

  // For the coordinator.
  void wait(std::chrono::milliseconds at_most);
  void told();
  bool is_finished();
  bool was_rewritten();
  void rethrow();
  void stop();
  CopyTotals totals();
  std::vector<std::string> waiting();
  TimePoint last_movement();
  void allow(const Decision& decision, double wal_rate, std::int64_t group_blocks, std::int64_t revision,
             TimePoint now);
  // Whether groups are left that nobody works at.
  bool has_work();
  // Since when workers wait for WAL that they may write; nullopt when none had to of late.
  std::optional<TimePoint> short_of_wal();

 private:
  enum class Hold { kFree, kBusy, kOrphan };
  struct Slot {
    SlotCursor cursor;
    Hold hold = Hold::kFree;
  };

  const CopyCursor copy_;
  const bool every_batch_told_;
  std::mutex handing_out_;

  std::mutex mutex_;  // protects what follows
  std::condition_variable changed_;
  std::vector<Slot> slots_;
  std::int64_t next_ = 0;  // the first block that was never handed out
  std::int64_t group_blocks_ = 0, range_blocks_ = 64;
  Decision decision_;
  TokenBucket bucket_;
  TimePoint heartbeat_, last_movement_, short_since_, short_until_;
  double wal_bytes_ = 0;
  std::vector<std::string> waiting_;
  std::int64_t revision_ = 0, seen_revision_ = 0;
  std::uint64_t reports_ = 0, told_ = 0;
  bool settling_ = false, finished_ = false, rewritten_ = false, stopping_ = false;
  std::exception_ptr error_;
};

}  // namespace falsework
