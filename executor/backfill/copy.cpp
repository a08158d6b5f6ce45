#include "executor/backfill/copy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "base/stop.h"
#include "executor/locks/holders.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr int kTries = 3;
constexpr int kBarrenRounds = 10;
constexpr milliseconds kPauseBase{20};
constexpr milliseconds kPauseCap{500};
constexpr milliseconds kRoundPause{250};

std::vector<std::string> lines_of(const std::vector<Holder>& holders, milliseconds older_than) {
  std::vector<std::string> lines;
  for (const Holder& holder : holders) {
    if (!holder.age || *holder.age > older_than) lines.push_back(describe(holder));
  }
  return lines;
}

}  // namespace

TableCopy::TableCopy(RunContext& context, const Step& step, CopyCursor cursor, CopyShape shape)
    : context_(context),
      step_(step),
      shape_(shape),
      cursor_(std::move(cursor)),
      worker_(context, step),
      meter_(context, step, shape, cursor_),
      last_movement_(context.clock.monotonic()) {}

CopyCursor TableCopy::run() {
  for (;;) {
    while (!is_finished(cursor_.position, cursor_.table.blocks)) {
      stop_point("a batch");
      run_position();
      meter_.tick(cursor_);
    }
    settle_deferred();
    // A table that got a new file meanwhile has begun anew.
    if (is_finished(cursor_.position, cursor_.table.blocks)) break;
  }
  meter_.finish(cursor_);
  return cursor_;
}

void TableCopy::run_position() {
  const BlockRange range = range_at(cursor_.position, shape_, cursor_.table.blocks);
  if (is_verifying(cursor_.position, shape_)) {
    verify_range(range);
    return;
  }
  const CopyPosition here = cursor_.position;
  const TableEpoch table = cursor_.table;
  CopyCursor after = cursor_;
  after.position = after_range(here, shape_, table.blocks);
  if (copy_patiently({range, shape_.stripes, here.stripe}, after)) return;
  if (cursor_.table != table) return;
  // What the stripe left behind is found when the group is verified.
  cursor_.position = after.position;
}

void TableCopy::verify_range(const BlockRange& range) {
  const TableEpoch table = cursor_.table;
  for (int tries = 0; tries < kTries; ++tries) {
    const std::optional<std::int64_t> left = worker_.remaining(range);
    if (left == 0) break;
    if (tries + 1 == kTries || !copy_patiently({range}, cursor_)) {
      if (cursor_.table == table) defer(range);
      break;
    }
  }
  if (cursor_.table == table) cursor_.position = after_range(cursor_.position, shape_, table.blocks);
}

void TableCopy::settle_deferred() {
  while (!cursor_.deferred.empty()) {
    stop_point("a batch");
    const TableEpoch table = cursor_.table;
    const std::vector<BlockRange> round = cursor_.deferred;
    std::vector<BlockRange> left;
    yielded_ = false;
    bool settled_one = false;
    for (const BlockRange& range : round) {
      settled_one = settle(range, left) || settled_one;
      if (cursor_.table != table) return;
      meter_.tick(cursor_, {"rows that others hold locked"});
      stop_point("a batch");
    }
    cursor_.deferred = left;
    if (settled_one || left.empty()) {
      moved();
      barren_rounds_ = 0;
      continue;
    }
    barren_rounds_ = yielded_ ? 0 : barren_rounds_ + 1;
    if (barren_rounds_ >= kBarrenRounds) {
      throw Error(errors::kStepFailed,
                  fmt::format("step {}: rows of {} in blocks {} to {} stay as they are", step_.id, step_.copy->relation,
                              left.front().first, left.front().end),
                  "See whether a trigger or rule of that table undoes the copy's update, then run the same command "
                  "again.");
    }
    wait_for_movement(kRoundPause);
  }
}

// True when the range is done. What is left of it goes to `left`, in halves where a lock was in the way.
bool TableCopy::settle(const BlockRange& range, std::vector<BlockRange>& left) {
  if (worker_.remaining(range) == 0) return true;
  const TableEpoch table = cursor_.table;
  const std::int64_t rows = cursor_.rows;
  const bool copied = copy_patiently({range}, cursor_);
  if (cursor_.table != table) return false;
  if (cursor_.rows != rows) moved();
  if (copied && worker_.remaining(range) == 0) return true;
  const std::int64_t middle = range.first + (range.end - range.first) / 2;
  if (copied || middle == range.first) {
    left.push_back(range);
    return false;
  }
  left.push_back({range.first, middle});
  left.push_back({middle, range.end});
  return false;
}

bool TableCopy::copy_patiently(const Batch& batch, CopyCursor after) {
  BackOff back_off(context_.random, kPauseBase, kPauseCap);
  for (int tries = 1; tries <= kTries; ++tries) {
    CopyCursor attempt = after;
    switch (worker_.run(batch, attempt)) {
      case BatchOutcome::kDone:
        if (attempt.rows != cursor_.rows || attempt.position != cursor_.position) moved();
        cursor_ = std::move(attempt);
        return true;
      case BatchOutcome::kRewritten: begin_new_epoch(); return false;
      case BatchOutcome::kYielded: break;
    }
    yielded_ = true;
    wait_for_table();
    if (!context_.clock.sleep(back_off.next())) stop_point("a batch");
  }
  return false;
}

void TableCopy::wait_for_table() {
  const std::vector<pg::TakenLock> ours{{step_.copy->relation, pg::LockMode::kRowExclusive, pg::LockDuration::kBatch}};
  bool told = false;
  for (;;) {
    const auto lines = lines_of(find_holders(*context_.session, ours), CopyWorker::kLockTimeout);
    if (lines.empty()) return;
    if (!told) context_.blocked(step_, 1, lines);
    told = true;
    wait_for_movement(kRoundPause);
    meter_.tick(cursor_, lines);
  }
}

void TableCopy::begin_new_epoch() {
  cursor_ = begin_epoch(cursor_, read_epoch(*context_.session, step_.copy->relation));
  moved();
}

void TableCopy::defer(const BlockRange& range) {
  if (std::find(cursor_.deferred.begin(), cursor_.deferred.end(), range) != cursor_.deferred.end()) return;
  cursor_.deferred.push_back(range);
}

void TableCopy::moved() { last_movement_ = context_.clock.monotonic(); }

void TableCopy::wait_for_movement(milliseconds pause) {
  if (context_.clock.monotonic() - last_movement_ >= context_.lock_budget(step_)) {
    // Whoever locks rows holds one of the modes that this one conflicts with.
    const auto lines = lines_of(
        find_holders(*context_.session, {{step_.copy->relation, pg::LockMode::kExclusive, pg::LockDuration::kBatch}}),
        CopyWorker::kLockTimeout);
    if (!lines.empty()) context_.blocked(step_, 1, lines);
    throw Error(
        errors::kLockBudget,
        fmt::format("step {}: no row of {} could be copied within {}: {}", step_.id, step_.copy->relation,
                    humanize(context_.lock_budget(step_)),
                    lines.empty() ? std::string("its rows are locked") : fmt::format("{}", fmt::join(lines, "; "))),
        "What is copied stays copied. End what stands in the way, then run the same command again.");
  }
  if (!context_.clock.sleep(pause)) stop_point("a batch");
}

}  // namespace falsework
