#include "executor/backfill/copy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/stop.h"
#include "executor/locks/holders.h"
#include "executor/runners/transaction.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRound{100};

// Ends the threads of a copy, however it ends.
class Crew {
 public:
  explicit Crew(CopyBoard& board) : board_(board) {}
  ~Crew() {
    board_.stop();
    for (std::jthread& thread : threads) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  std::vector<std::unique_ptr<CopyWorker>> workers;
  std::vector<std::jthread> threads;

 private:
  CopyBoard& board_;
};

// How many rows a block holds, as far as the catalog knows; 0 when it does not.
double rows_per_block(pg::Session& session, const std::string& relation) {
  const pg::Rows rows = session.query(
      "SELECT CASE WHEN c.relpages > 0 AND c.reltuples > 0 THEN c.reltuples / c.relpages ELSE 0 END::float8 "
      "FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass($1)",
      {relation});
  return rows.empty() ? 0 : std::stod(rows.text(0, 0));
}

std::vector<std::string> row_lockers(RunContext& context, const Step& step) {
  // Whoever locks rows holds one of the modes that this one conflicts with.
  std::vector<std::string> lines;
  for (const Holder& holder :
       find_holders(*context.session, {{step.copy->relation, pg::LockMode::kExclusive, pg::LockDuration::kBatch}})) {
    if (!holder.age || *holder.age > CopyWorker::kLockTimeout) lines.push_back(describe(holder));
  }
  return lines;
}

}  // namespace

TableCopy::TableCopy(RunContext& context, const Step& step)
    : context_(context), step_(step), watch_(context, step), meter_(context, step) {
  begin_or_resume();
}

// The table's file and its number of blocks are read after the commit of the trigger: every later row version is in
// agreement already.
void TableCopy::begin_or_resume() {
  pg::Session& session = *context_.session;
  const TableEpoch table = read_epoch(session, step_.copy->relation);
  const JournalStep before = context_.journal_step(step_);
  if (before.state == JournalState::kIntent && !before.cursor.empty()) {
    cursor_ = parse_cursor(before.cursor);
    std::int64_t rows = cursor_.rows;
    for (const CopySlotRow& row : CopyJournal(session, context_.run).slots(step_.id, before.generation)) {
      slots_.push_back(parse_slot(row.position, row.rows));
      rows += row.rows;
    }
    if (cursor_.table.filenode == table.filenode) return;
    slots_.clear();
    cursor_ = begin_epoch(cursor_, table, rows);
  } else {
    cursor_.table = table;
    cursor_.stripes = stripes_for(rows_per_block(session, step_.copy->relation));
  }
  record_begin();
}

void TableCopy::record_begin() {
  JournalStep row = context_.next_row(step_, JournalState::kIntent);
  row.cursor = render_cursor(cursor_);
  row.rows = cursor_.rows;
  record_alone(context_, row, [&](Journal&) { CopyJournal(*context_.session, context_.run).clear_slots(step_.id); });
}

CopyCursor TableCopy::run() {
  while (!run_epoch()) record_begin();
  return cursor_;
}

bool TableCopy::run_epoch() {
  meter_.begin(cursor_);
  CopyBoard board(cursor_, std::move(slots_), context_.clock.monotonic(),
                  context_.options.progress_interval.count() == 0);
  slots_.clear();
  decide(board);
  {
    SegmentVacuum vacuum(context_, step_, cursor_.table.blocks);
    Crew crew(board);
    while (!board.is_finished() && !board.was_rewritten()) {
      coordinate(board, vacuum, crew.workers, crew.threads);
    }
  }
  board.rethrow();
  const CopyTotals totals = board.totals();
  // Counts of what remains read whatever file there was: they speak of this one only if it has stayed.
  const TableEpoch table = read_epoch(*context_.session, step_.copy->relation);
  if (board.was_rewritten() || table.filenode != cursor_.table.filenode) {
    cursor_ = begin_epoch(cursor_, table, totals.rows);
    return false;
  }
  meter_.finish(cursor_, totals);
  cursor_.rows = totals.rows;
  return true;
}

void TableCopy::coordinate(CopyBoard& board, SegmentVacuum& vacuum, std::vector<std::unique_ptr<CopyWorker>>& workers,
                           std::vector<std::jthread>& threads) {
  const int crew = static_cast<int>(threads.size());
  if (crew == 0 || (crew < decision_.workers && board.has_work())) {
    workers.push_back(std::make_unique<CopyWorker>(context_, step_, cursor_, board, crew));
    threads.emplace_back([worker = workers.back().get()] { worker->work(); });
  }
  board.wait(kRound);
  board.rethrow();
  stop_point("a batch");
  decide(board);
  const CopyTotals totals = board.totals();
  vacuum.at(totals.blocks);
  tell_pause();
  tell_waiting(board.waiting());
  const auto short_since = board.short_of_wal();
  meter_.tick(cursor_, totals, reasons(short_since), decision_, short_since, watch_.signals(), watch_.wal_rate());
  board.told();
  require_movement(board);
}

void TableCopy::decide(CopyBoard& board) {
  watch_.look();
  const TimePoint now = context_.clock.monotonic();
  decision_ = governor_.decide(now, watch_.signals(), watch_.wanted_workers());
  if (watch_.control().paused) decision_.hold = true;
  board.allow(decision_, watch_.wal_rate(), watch_.group_blocks(cursor_.table.blocks, meter_.hot_share()),
              watch_.control().revision, now);
}

void TableCopy::tell_pause() {
  const CopyControl& control = watch_.control();
  if (control.paused == paused_) return;
  paused_ = control.paused;
  if (paused_) {
    context_.tell(EventKind::kRunPaused, &step_, fmt::format("by {} at {}", control.paused_by, control.paused_since));
  } else {
    context_.tell(EventKind::kRunResumed, &step_);
  }
  meter_.tell_soon();
}

void TableCopy::tell_waiting(const std::vector<std::string>& lines) {
  if (lines == waiting_) return;
  if (waiting_.empty()) waiting_since_ = context_.clock.monotonic();
  waiting_ = lines;
  if (lines.empty() || !lines.front().starts_with("pid ")) return;
  context_.blocked(step_, 1, lines);
}

std::vector<std::string> TableCopy::reasons(const std::optional<TimePoint>& short_of_wal) {
  std::vector<std::string> lines;
  const auto add = [&](const std::string& text, TimePoint since) {
    lines.push_back(fmt::format("{} since {}", text, meter_.wall_time(since)));
  };
  const CopyControl& control = watch_.control();
  if (control.paused) lines.push_back(fmt::format("paused by {} since {}", control.paused_by, control.paused_since));
  for (const Reason& reason : decision_.reasons) add(reason.text, reason.since);
  if (short_of_wal) add(fmt::format("wal_rate {} MB/s", watch_.wal_rate() / 1048576.0), *short_of_wal);
  for (const std::string& line : waiting_) add(line, waiting_since_);
  return lines;
}

void TableCopy::require_movement(CopyBoard& board) {
  if (decision_.hold) return;
  if (context_.clock.monotonic() - board.last_movement() < context_.lock_budget(step_)) return;
  const std::vector<std::string> lines = row_lockers(context_, step_);
  if (!lines.empty()) context_.blocked(step_, 1, lines);
  throw Error(
      errors::kLockBudget,
      fmt::format("step {}: no row of {} could be copied within {}: {}", step_.id, step_.copy->relation,
                  humanize(context_.lock_budget(step_)),
                  lines.empty() ? std::string("its rows are locked") : fmt::format("{}", fmt::join(lines, "; "))),
      "What is copied stays copied. End what stands in the way, then run the same command again.");
}

}  // namespace falsework
