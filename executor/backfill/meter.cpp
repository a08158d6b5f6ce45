#include "executor/backfill/meter.h"

#include <algorithm>

namespace falsework {

namespace {

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

CopyMeter::CopyMeter(RunContext& context, const Step& step, const CopyShape& shape, const CopyCursor& begun)
    : context_(context), step_(step), shape_(shape), first_(sample(begun)), last_(first_) {}

CopyMeter::Sample CopyMeter::sample(const CopyCursor& cursor) const {
  Sample now;
  now.at = context_.clock.monotonic();
  now.rows = cursor.rows;
  now.blocks = blocks_done(cursor.position, shape_, cursor.table.blocks);
  const pg::Rows rows = context_.session->query(
      "SELECT coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0), "
      "coalesce(pg_catalog.pg_stat_get_tuples_hot_updated(c.oid), 0), "
      "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::float8 "
      "FROM pg_catalog.pg_class AS c WHERE c.oid = pg_catalog.to_regclass($1)",
      {step_.copy->relation});
  if (rows.empty()) return now;
  now.updated = rows.number(0, 0);
  now.hot = rows.number(0, 1);
  now.wal_bytes = std::stod(rows.text(0, 2));
  return now;
}

void CopyMeter::tick(const CopyCursor& cursor, const std::vector<std::string>& reasons) {
  if (context_.clock.monotonic() - last_.at < context_.options.progress_interval) return;
  tell(cursor, sample(cursor), reasons);
}

void CopyMeter::finish(const CopyCursor& cursor) { tell(cursor, sample(cursor), {}); }

void CopyMeter::tell(const CopyCursor& cursor, const Sample& now, const std::vector<std::string>& reasons) {
  Progress progress;
  progress.rows = now.rows;
  progress.blocks = now.blocks;
  progress.total_blocks = cursor.table.blocks;
  progress.total = std::max(step_.estimate.rows, now.rows);
  // The plan's estimate comes from statistics, which a new table has none of.
  if (step_.estimate.rows < now.rows && now.blocks > 0) {
    progress.total = std::max(now.rows, now.rows * progress.total_blocks / now.blocks);
  }
  const double interval = seconds(now.at - last_.at);
  if (interval > 0) {
    progress.rate = static_cast<double>(now.rows - last_.rows) / interval;
    progress.wal_rate = (now.wal_bytes - last_.wal_bytes) / interval;
  }
  // A new file of the table takes the copy back to block 0: no estimate until it has moved again.
  const double moved = static_cast<double>(now.blocks - first_.blocks);
  const double left = static_cast<double>(progress.total_blocks - now.blocks);
  if (left == 0) progress.eta_s = 0;
  if (left > 0 && moved > 0) progress.eta_s = seconds(now.at - first_.at) * left / moved;
  const std::int64_t updated = now.updated - first_.updated;
  if (updated > 0) progress.hot_share = static_cast<double>(now.hot - first_.hot) / static_cast<double>(updated);
  progress.throttled_by = reasons;
  last_ = now;
  context_.observer.copy_progress(step_, progress);
  Event event;
  event.rows = progress.rows;
  context_.tell(EventKind::kStepProgress, &step_, render_progress(progress), event);
}

}  // namespace falsework
