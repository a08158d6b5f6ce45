#include "executor/backfill/board.h"

#include <algorithm>

namespace falsework {

namespace {

using std::chrono::milliseconds;
using Lock = std::unique_lock<std::mutex>;

constexpr milliseconds kSlice{50};
constexpr auto kShortMemory = std::chrono::seconds(2);  // a wait for WAL is told as one with the one before it
constexpr auto kHeartbeatPatience = std::chrono::seconds(15);
constexpr std::int64_t kMostRangeBlocks = 256;
constexpr std::int64_t kLeastRangeBlocks = 1;
constexpr milliseconds kShortBatch{4}, kLongBatch{20}, kVeryLongBatch{100};

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

CopyBoard::CopyBoard(const CopyCursor& copy, std::vector<SlotCursor> slots, TimePoint begun, bool every_batch_told)
    : copy_(copy), every_batch_told_(every_batch_told), heartbeat_(begun), last_movement_(begun) {
  for (SlotCursor& cursor : slots) {
    next_ = std::max(next_, cursor.at.group.end);
    const Hold hold = is_done(cursor.at, copy_.stripes) ? Hold::kFree : Hold::kOrphan;
    slots_.push_back({std::move(cursor), hold});
  }
}

CopyBoard::Turn CopyBoard::turn(int number, bool holds_group) {
  Lock lock(mutex_);
  for (;;) {
    if (stopping_ || rewritten_ || error_) return Turn::kStop;
    if (finished_) return Turn::kStop;
    const TimePoint time = now();
    const bool too_many = number >= decision_.workers;
    if (too_many && holds_group) return Turn::kGiveBack;
    // Whoever watches the server may hang: without it nobody goes on.
    const bool watched = time - heartbeat_ < kHeartbeatPatience;
    const bool heard = seen_revision_ >= revision_;
    milliseconds debt = bucket_.wait(time);
    if (debt.count() > 0) {
      if (time - short_until_ > kShortMemory) short_since_ = time;
      short_until_ = time;
    }
    if (!too_many && watched && heard && !decision_.hold && debt.count() == 0) return Turn::kGo;
    if (decision_.hold || debt.count() > 0 || !watched) last_movement_ = time;
    changed_.wait_for(lock, debt.count() > 0 ? std::clamp(debt, milliseconds(1), kSlice) : kSlice);
  }
}

std::optional<Ticket> CopyBoard::take(const std::function<bool(const Ticket&)>& place) {
  const std::lock_guard handing_out(handing_out_);
  Ticket ticket;
  {
    const Lock lock(mutex_);
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].hold != Hold::kOrphan) continue;
      slots_[i].hold = Hold::kBusy;
      return Ticket{static_cast<int>(i), slots_[i].cursor};
    }
    if (next_ >= copy_.table.blocks) return std::nullopt;
    const auto free = std::find_if(slots_.begin(), slots_.end(), [](const Slot& s) { return s.hold == Hold::kFree; });
    ticket.slot = static_cast<int>(free - slots_.begin());
    if (free != slots_.end()) ticket.cursor = free->cursor;
    const std::int64_t size = std::max<std::int64_t>(group_blocks_, 1);
    ticket.cursor.at = begin_group({next_, std::min(copy_.table.blocks, next_ + size)});
  }
  // Nobody else hands out meanwhile, and a free slot is taken by hand-outs alone.
  if (!place(ticket)) return std::nullopt;
  const Lock lock(mutex_);
  next_ = ticket.cursor.at.group.end;
  const auto at = static_cast<std::size_t>(ticket.slot);
  if (at == slots_.size()) slots_.emplace_back();
  slots_[at] = {ticket.cursor, Hold::kBusy};
  return ticket;
}

void CopyBoard::give_back(const Ticket& ticket) {
  const Lock lock(mutex_);
  slots_[static_cast<std::size_t>(ticket.slot)] = {ticket.cursor, Hold::kOrphan};
  changed_.notify_all();
}

void CopyBoard::finish(const Ticket& ticket) {
  const Lock lock(mutex_);
  slots_[static_cast<std::size_t>(ticket.slot)] = {ticket.cursor, Hold::kFree};
  last_movement_ = now();
  changed_.notify_all();
}

bool CopyBoard::begin_settling(Ticket& ticket, std::vector<BlockRange>& deferred) {
  const Lock lock(mutex_);
  if (settling_ || finished_ || next_ < copy_.table.blocks) return false;
  const bool all_free = std::all_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.hold == Hold::kFree; });
  if (!all_free) return false;
  settling_ = true;
  if (slots_.empty()) return true;  // no blocks at all
  for (const Slot& slot : slots_) {
    deferred.insert(deferred.end(), slot.cursor.deferred.begin(), slot.cursor.deferred.end());
  }
  slots_[0].hold = Hold::kBusy;
  ticket = {0, slots_[0].cursor};
  return true;
}

void CopyBoard::settled() {
  const Lock lock(mutex_);
  finished_ = true;
  changed_.notify_all();
}

void CopyBoard::moved(const Ticket& ticket, const BatchFacts& facts) {
  {
    const Lock lock(mutex_);
    SlotCursor& kept = slots_[static_cast<std::size_t>(ticket.slot)].cursor;
    const TimePoint time = now();
    if (facts.rows > 0 || kept.at != ticket.cursor.at) last_movement_ = time;
    kept = ticket.cursor;
    bucket_.take(facts.wal_bytes, time);
    wal_bytes_ += facts.wal_bytes;
    revision_ = std::max(revision_, facts.revision);
    if (facts.took > kVeryLongBatch) {
      range_blocks_ = std::max(kLeastRangeBlocks, range_blocks_ / 4);
    } else if (facts.took > kLongBatch) {
      range_blocks_ = std::max(kLeastRangeBlocks, range_blocks_ * 3 / 4);
    } else if (facts.took < kShortBatch && facts.rows > 0) {
      range_blocks_ = std::min(kMostRangeBlocks, range_blocks_ + 1 + range_blocks_ / 8);
    }
    changed_.notify_all();
  }
  report();
}

void CopyBoard::too_long() {
  const Lock lock(mutex_);
  range_blocks_ = std::max(kLeastRangeBlocks, range_blocks_ / 2);
}

void CopyBoard::report() {
  Lock lock(mutex_);
  const std::uint64_t mine = ++reports_;
  changed_.notify_all();
  if (!every_batch_told_) return;
  while (told_ < mine && !stopping_ && !error_) changed_.wait_for(lock, kSlice);
}

void CopyBoard::rest(milliseconds pause) {
  Lock lock(mutex_);
  const TimePoint until = now() + pause;
  while (!stopping_ && !error_ && now() < until) changed_.wait_until(lock, until);
}

bool CopyBoard::stopping() {
  const Lock lock(mutex_);
  return stopping_ || rewritten_ || error_;
}

void CopyBoard::fail(std::exception_ptr error) {
  const Lock lock(mutex_);
  if (!error_) error_ = std::move(error);
  changed_.notify_all();
}

void CopyBoard::rewritten() {
  const Lock lock(mutex_);
  rewritten_ = true;
  changed_.notify_all();
}

void CopyBoard::set_waiting(std::vector<std::string> lines) {
  const Lock lock(mutex_);
  waiting_ = std::move(lines);
}

std::int64_t CopyBoard::range_blocks() {
  const Lock lock(mutex_);
  return range_blocks_;
}

bool CopyBoard::is_slow() {
  const Lock lock(mutex_);
  return decision_.slow;
}

void CopyBoard::wait(milliseconds at_most) {
  Lock lock(mutex_);
  if (finished_ || rewritten_ || error_ || (every_batch_told_ && told_ < reports_)) return;
  if (revision_ > seen_revision_) return;
  changed_.wait_for(lock, at_most, [&] {
    return finished_ || rewritten_ || error_ || revision_ > seen_revision_ || (every_batch_told_ && told_ < reports_);
  });
}

void CopyBoard::told() {
  const Lock lock(mutex_);
  told_ = reports_;
  changed_.notify_all();
}

bool CopyBoard::is_finished() {
  const Lock lock(mutex_);
  return finished_;
}

bool CopyBoard::was_rewritten() {
  const Lock lock(mutex_);
  return rewritten_;
}

void CopyBoard::rethrow() {
  const Lock lock(mutex_);
  if (error_) std::rethrow_exception(error_);
}

void CopyBoard::stop() {
  const Lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

CopyTotals CopyBoard::totals() {
  const Lock lock(mutex_);
  CopyTotals totals;
  totals.rows = copy_.rows;
  totals.blocks = next_;
  totals.wal_bytes = wal_bytes_;
  for (const Slot& slot : slots_) {
    const GroupPosition& at = slot.cursor.at;
    totals.rows += slot.cursor.rows;
    totals.blocks -= (at.group.end - at.group.first) - blocks_done(at, copy_.stripes);
    if (slot.hold == Hold::kBusy) ++totals.working;
  }
  return totals;
}

std::vector<std::string> CopyBoard::waiting() {
  const Lock lock(mutex_);
  return waiting_;
}

TimePoint CopyBoard::last_movement() {
  const Lock lock(mutex_);
  return last_movement_;
}

void CopyBoard::allow(const Decision& decision, double wal_rate, std::int64_t group_blocks, std::int64_t revision,
                      TimePoint time) {
  const Lock lock(mutex_);
  decision_ = decision;
  bucket_.set_rate(wal_rate, time);
  group_blocks_ = group_blocks;
  heartbeat_ = time;
  seen_revision_ = revision;
  revision_ = std::max(revision_, revision);
  changed_.notify_all();
}

bool CopyBoard::has_work() {
  const Lock lock(mutex_);
  return next_ < copy_.table.blocks ||
         std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return s.hold == Hold::kOrphan; });
}

std::optional<TimePoint> CopyBoard::short_of_wal() {
  const Lock lock(mutex_);
  if (now() - short_until_ > kShortMemory) return std::nullopt;
  return short_since_;
}

}  // namespace falsework
