#include "executor/runners/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "base/log.h"
#include "base/stop.h"
#include "executor/locks/holders.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRound{50};
constexpr milliseconds kCancelInterval{500};
constexpr double kPaceWeight = 0.3;

// Runs one statement in a thread of its own.
class Work {
 public:
  Work(pg::Session& session, const std::string& sql)
      : session_(session), thread_([this, &session, sql] {
          std::exception_ptr error;
          try {
            session.query(sql);
          } catch (...) {
            error = std::current_exception();
          }
          const std::lock_guard lock(mutex_);
          error_ = error;
          over_ = true;
          ended_.notify_all();
        }) {}

  ~Work() {
    while (!wait(kRound)) session_.cancel();
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // Returns whether it has ended.
  bool wait(milliseconds at_most) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, at_most, [this] { return over_; });
  }
  // After its end: throws what it threw.
  void settle() {
    thread_.join();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  pg::Session& session_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::exception_ptr error_;
  std::jthread thread_;  // last, for it uses the others
};

// What a second session sees of the statement.
class Sight {
 public:
  Sight(RunContext& context, const Step& step)
      : context_(context), step_(step), pid_(context.session->backend_pid()), locks_(step.locks) {
    // A build waits for every writer of its table, whose locks do not conflict with its own (PG docs,
    // sql-createindex).
    for (pg::TakenLock& lock : locks_) lock.mode = pg::LockMode::kShare;
  }

  void look() {
    try {
      if (!session_ || !session_->is_open()) session_ = open();
      tell(read_progress(), find_blockers(*session_, pid_, locks_));
    } catch (const std::exception& error) {
      // No second connection, a ledger that cannot be written just now, a query that is no UTF-8: a build of hours is
      // not ended for that. Its end is told to the ledger as that of any step.
      session_.reset();
      log_debug(fmt::format("step {}: its progress could not be looked up or told: {}", step_.id, error.what()));
    }
  }

  // What was seen last, for people: `building index: scanning table, 45 %; pid 4711 …`.
  std::string last() const {
    std::string text = progress_.phase.empty() ? "nothing was seen of it" : progress_.phase;
    if (share() > 0) text += fmt::format(", {:.0f} %", share() * 100);
    for (const std::string& line : progress_.throttled_by) text += "; " + line;
    return text;
  }

 private:
  std::unique_ptr<pg::Session> open() const {
    pg::ConnectionSettings settings = context_.options.connection;
    settings.application_name += "/watch";
    settings.settings["default_transaction_read_only"] = "on";
    return pg::connect(settings);
  }

  Progress read_progress() {
    Progress progress;
    const pg::Rows rows = session_->query(
        "SELECT coalesce(p.phase, ''), coalesce(p.blocks_done, 0), coalesce(p.blocks_total, 0), "
        "coalesce(p.tuples_done, 0), coalesce(p.tuples_total, 0) "
        "FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.pid = $1::integer",
        {std::to_string(pid_)});
    if (rows.empty()) return progress;
    progress.phase = rows.text(0, 0);
    progress.blocks = rows.number(0, 1);
    progress.total_blocks = rows.number(0, 2);
    progress.rows = rows.number(0, 3);
    progress.total = rows.number(0, 4);
    estimate(progress);
    return progress;
  }

  // Of this phase alone: what the next ones take, nobody knows.
  void estimate(Progress& progress) {
    const auto now = context_.clock.monotonic();
    const double interval = std::chrono::duration<double>(now - seen_at_).count();
    const bool by_blocks = progress.total_blocks > 0;
    const std::int64_t done = by_blocks ? progress.blocks : progress.rows;
    const std::int64_t all = by_blocks ? progress.total_blocks : progress.total;
    if (progress.phase != progress_.phase) {
      pace_ = -1;
    } else if (interval > 0 && done > done_) {
      const double pace = static_cast<double>(done - done_) / interval;
      pace_ = pace_ < 0 ? pace : pace_ + kPaceWeight * (pace - pace_);
    }
    seen_at_ = now;
    done_ = done;
    if (pace_ > 0 && all > done) progress.eta_s = static_cast<double>(all - done) / pace_;
  }

  void tell(Progress progress, const std::vector<Holder>& blockers) {
    std::string faces;
    for (const Holder& holder : blockers) {
      progress.throttled_by.push_back(describe(holder));
      faces += fmt::format("{}/{};", holder.pid, holder.gid);
    }
    if (faces != faces_ && !faces.empty()) context_.blocked(step_, 1, progress.throttled_by);
    faces_ = faces;
    progress_ = progress;
    if (progress.phase.empty()) return;
    context_.observer.build_progress(step_, progress);
    // The ledger keeps what it is told: not that somebody has become a second older.
    const std::string told = fmt::format("{} {} {:.0f}", progress.phase, faces, share() * 100);
    if (told == told_) return;
    told_ = told;
    context_.tell(EventKind::kStepProgress, &step_, render_progress(progress));
  }

  double share() const {
    const std::int64_t all = progress_.total_blocks > 0 ? progress_.total_blocks : progress_.total;
    const std::int64_t done = progress_.total_blocks > 0 ? progress_.blocks : progress_.rows;
    return all > 0 ? static_cast<double>(done) / static_cast<double>(all) : 0;
  }

  RunContext& context_;
  const Step& step_;
  const int pid_;
  std::vector<pg::TakenLock> locks_;
  std::unique_ptr<pg::Session> session_;
  Progress progress_;
  std::string faces_, told_;  // who was in the way, and what the ledger was told last
  std::chrono::steady_clock::time_point seen_at_;
  std::int64_t done_ = 0;
  double pace_ = -1;  // blocks or rows per second
};

}  // namespace

void run_build(RunContext& context, const Step& step, const std::string& sql) {
  const auto begun = context.clock.monotonic();
  const milliseconds limit = context.options.build_timeout.value_or(step.timeouts.statement);
  const milliseconds interval = std::max(context.options.progress_interval, kRound);
  Sight sight(context, step);
  bool late = false;
  auto looked = begun;
  auto cancelled = begun - kCancelInterval;
  pg::Session& session = *context.session;
  Work work(session, sql);
  while (!work.wait(kRound)) {
    const auto now = context.clock.monotonic();
    late = late || (limit.count() > 0 && now - begun >= limit);
    if (late || stop_requested()) {
      // Again and again: a request that comes before the statement began is lost.
      if (now - cancelled >= kCancelInterval) session.cancel();
      if (now - cancelled >= kCancelInterval) cancelled = now;
    } else if (now - looked >= interval) {
      looked = now;
      sight.look();
    }
  }
  try {
    work.settle();
  } catch (const pg::SqlError& error) {
    if (pg::classify_sqlstate(error.sqlstate()) != pg::SqlClass::kCanceled) throw;
    stop_point("a build");
    if (!late) throw;
    throw Error(errors::kBuildTimeout,
                fmt::format("step {}: it was not over within {}: {}", step.id, humanize(limit), sight.last()),
                "Run the same command again, with a longer --build-timeout, or when nobody is in the way.");
  }
}

}  // namespace falsework
