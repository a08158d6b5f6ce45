#include "executor/backfill/meter.h"

#include <algorithm>

namespace falsework {

namespace {

constexpr double kPaceWeight = 0.3;
constexpr double kMegabyte = 1048576;

double seconds(std::chrono::steady_clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

// How a signal stands, in one word of the contract.
std::string state_of(const Signal& signal, bool reason) {
  if (signal.limit <= 0) return "off";
  if (reason) return signal.kind == Signal::Kind::kHolds ? "holds" : "slows";
  switch (signal.reading) {
    case Signal::Reading::kSeen: return "ok";
    case Signal::Reading::kAbsent: return "absent";
    case Signal::Reading::kUnreadable: return "unreadable";
    case Signal::Reading::kStale: return "stale";
    case Signal::Reading::kLost: return "holds";
  }
  return {};
}

}  // namespace

void CopyMeter::begin(const CopyCursor& copy) {
  CopyTotals totals;
  totals.rows = copy.rows;
  first_ = sample(totals);
  last_ = first_;
  hot_share_ = -1;
  pace_ = -1;
}

CopyMeter::Sample CopyMeter::sample(const CopyTotals& totals) const {
  Sample now;
  now.at = context_.clock.monotonic();
  now.rows = totals.rows;
  now.blocks = totals.blocks;
  now.wal_of_copy = totals.wal_bytes;
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

std::string CopyMeter::wall_time(TimePoint moment) const {
  return render_time(context_.clock.now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(
                                                context_.clock.monotonic() - moment));
}

void CopyMeter::tick(const CopyCursor& copy, const CopyTotals& totals, const std::vector<std::string>& reasons,
                     const Decision& decision, const std::optional<TimePoint>& short_of_wal,
                     const std::vector<Signal>& signals, double wal_rate) {
  if (!soon_ && context_.clock.monotonic() - last_.at < context_.options.progress_interval) return;
  soon_ = false;
  Progress progress;
  progress.workers = decision.hold ? 0 : totals.working;
  progress.throttled_by = reasons;
  const Sample now = sample(totals);
  const double interval = seconds(now.at - last_.at);
  SignalNumber wal{"wal_rate", "MB/s", wal_rate > 0 ? "ok" : "off", "", "of the copy alone, an estimate", 0, 0};
  if (short_of_wal) {
    wal.state = "slows";
    wal.since = wall_time(*short_of_wal);
  }
  if (interval > 0) wal.value = (now.wal_of_copy - last_.wal_of_copy) / interval / kMegabyte;
  wal.limit = wal_rate / kMegabyte;
  progress.signals.push_back(std::move(wal));
  for (const Signal& signal : signals) {
    const auto reason = std::find_if(decision.reasons.begin(), decision.reasons.end(),
                                     [&](const Reason& r) { return r.name == signal.name; });
    const bool holds = reason != decision.reasons.end();
    progress.signals.push_back({signal.name, signal.unit, state_of(signal, holds),
                                holds ? wall_time(reason->since) : "", signal.detail, signal.value, signal.limit});
  }
  tell(copy, now, std::move(progress));
}

void CopyMeter::finish(const CopyCursor& copy, const CopyTotals& totals) {
  CopyTotals end = totals;
  end.blocks = copy.table.blocks;
  tell(copy, sample(end), {});
}

void CopyMeter::tell(const CopyCursor& copy, const Sample& now, Progress progress) {
  progress.rows = now.rows;
  progress.blocks = now.blocks;
  progress.total_blocks = copy.table.blocks;
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
  // By what was done lately: a hold, and what an earlier engine did, are no measure of the rest.
  const double moved = static_cast<double>(now.blocks - last_.blocks);
  const double left = static_cast<double>(progress.total_blocks - now.blocks);
  if (interval > 0 && moved >= 0 && last_.blocks > 0) {
    const double pace = moved / interval;
    pace_ = pace_ < 0 ? pace : pace_ + kPaceWeight * (pace - pace_);
  }
  if (left == 0) progress.eta_s = 0;
  if (left > 0 && pace_ > 0) progress.eta_s = left / pace_;
  const std::int64_t updated = now.updated - first_.updated;
  if (updated > 0) progress.hot_share = static_cast<double>(now.hot - first_.hot) / static_cast<double>(updated);
  hot_share_ = progress.hot_share;
  last_ = now;
  context_.observer.copy_progress(step_, progress);
  Event event;
  event.rows = progress.rows;
  context_.tell(EventKind::kStepProgress, &step_, render_progress(progress), event);
}

}  // namespace falsework
