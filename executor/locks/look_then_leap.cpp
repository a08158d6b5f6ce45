#include "executor/locks/look_then_leap.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/duration.h"
#include "base/error_kinds.h"
#include "base/stop.h"
#include "executor/locks/end_blocker.h"
#include "executor/locks/holders.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBase{100};
constexpr milliseconds kCap{30000};
constexpr milliseconds kLookAgain{1000};
// The deadlock check is what sends an autovacuum away (PG source, ProcSleep): it must run before our timeout.
constexpr milliseconds kEvict{20};
constexpr milliseconds kPastDeadlockTimeout{200};

bool worth_another_try(const pg::SqlError& error) {
  switch (pg::classify_sqlstate(error.sqlstate())) {
    case pg::SqlClass::kLockTimeout:
    case pg::SqlClass::kDeadlock:
    case pg::SqlClass::kSerialization: return true;
    default: return false;
  }
}

bool may_set_deadlock_timeout(pg::Session& session) {
  const std::string superuser = "(SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user)";
  // PG 15 and later: GRANT SET ON PARAMETER.
  const std::string granted =
      session.server_major() >= 15 ? "pg_catalog.has_parameter_privilege('deadlock_timeout', 'SET')" : "false";
  return session.query(fmt::format("SELECT {} OR {}", superuser, granted)).boolean(0, 0);
}

milliseconds server_deadlock_timeout(pg::Session& session) {
  const pg::Rows rows = session.query("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'");
  return milliseconds(rows.number(0, 0));
}

std::vector<std::string> describe_all(const std::vector<Holder>& holders) {
  std::vector<std::string> lines;
  for (const Holder& holder : holders) lines.push_back(describe(holder));
  return lines;
}

// Who is involved, whatever their ages: a report is due when that changes.
std::string faces(const std::vector<Holder>& holders) {
  std::string text;
  for (const Holder& holder : holders) text += fmt::format("{}/{}/{};", holder.pid, holder.gid, holder.mode);
  return text;
}

class Attempts {
 public:
  Attempts(pg::Session& session, Clock& clock, std::minstd_rand& random, const Leap& leap)
      : session_(session),
        clock_(clock),
        leap_(leap),
        back_off_(random, kBase, kCap),
        deadline_(clock.monotonic() + leap.budget) {}

  void run(const std::function<void(const LockTry&)>& attempt) {
    for (int number = 1;; ++number) {
      LockTry chosen = wait_outside(number);
      const std::vector<Holder> blockers = leap_from(chosen, attempt);
      if (done_) return;
      report(number, blockers);
      end_blockers(number, blockers);
      pause(back_off_.next());
    }
  }

 private:
  // Tries once; returns who was in the way, as seen during the try.
  std::vector<Holder> leap_from(const LockTry& chosen, const std::function<void(const LockTry&)>& attempt) {
    std::optional<BlockerWatch> watch;
    if (leap_.open_watch) {
      watch.emplace(second_, leap_.open_watch, session_.backend_pid(), leap_.locks, chosen.lock_timeout);
    }
    try {
      attempt(chosen);
      done_ = true;
      return {};
    } catch (const pg::SqlError& error) {
      if (!worth_another_try(error)) throw;
      last_refusal_ = error.what();
    }
    std::vector<Holder> seen;
    if (watch) seen = watch->finish();
    const bool looked = watch && watch->looked();
    return looked ? seen : find_holders(session_, leap_.locks);
  }

  // Only who holds what we wait for, and has done so for the grace; a prepared transaction and a vacuum never.
  void end_blockers(int number, const std::vector<Holder>& holders) {
    if (!leap_.terminate_blockers) return;
    std::map<int, std::chrono::steady_clock::time_point> still;
    std::vector<std::string> lines;
    std::vector<int> ours;
    if (leap_.our_pids) ours = leap_.our_pids();
    for (const Holder& holder : holders) {
      if (!may_be_ended(holder) || std::find(ours.begin(), ours.end(), holder.pid) != ours.end()) continue;
      const auto known = in_the_way_since_.find(holder.pid);
      const auto since = known == in_the_way_since_.end() ? clock_.monotonic() : known->second;
      if (clock_.monotonic() - since < leap_.grace) {
        still.emplace(holder.pid, since);
        continue;
      }
      if (const std::string line = end_blocker(session_, holder); !line.empty()) lines.push_back(line);
    }
    in_the_way_since_ = std::move(still);
    if (!lines.empty() && leap_.blocked) leap_.blocked(number, lines);
  }

  LockTry wait_outside(int number) {
    for (;;) {
      stop_point("a lock");
      const std::vector<Holder> holders = find_holders(session_, leap_.locks);
      const bool old = std::any_of(holders.begin(), holders.end(), [&](const Holder& h) { return outlives_a_try(h); });
      if (!old) return choose(number, holders);
      if (faces(holders) != reported_) report(number, holders);
      end_blockers(number, holders);
      pause(std::min(kLookAgain, std::max(milliseconds(20), leap_.lock_timeout / 2)));
    }
  }

  bool outlives_a_try(const Holder& holder) const {
    if (holder.pid == 0 || holder.to_prevent_wraparound) return true;
    if (holder.autovacuum) return false;
    return holder.age && *holder.age > leap_.lock_timeout;
  }

  LockTry choose(int number, const std::vector<Holder>& holders) {
    LockTry chosen{number, leap_.lock_timeout, std::nullopt};
    const bool autovacuum = std::any_of(holders.begin(), holders.end(), [](const Holder& h) { return h.autovacuum; });
    if (!autovacuum) return chosen;
    if (may_set_deadlock_timeout(session_)) {
      chosen.deadlock_timeout = std::min(kEvict, leap_.lock_timeout);
    } else if (!longer_try_used_) {
      longer_try_used_ = true;
      chosen.lock_timeout = std::max(chosen.lock_timeout, server_deadlock_timeout(session_) + kPastDeadlockTimeout);
    }
    return chosen;
  }

  void report(int number, const std::vector<Holder>& holders) {
    reported_ = faces(holders);
    blockers_ = describe_all(holders);
    if (leap_.blocked) leap_.blocked(number, blockers_);
  }

  void pause(milliseconds duration) {
    if (clock_.monotonic() + duration >= deadline_) exhausted();
    if (!clock_.sleep(duration)) stop_point("a lock");
  }

  [[noreturn]] void exhausted() const {
    const std::string who = !blockers_.empty()      ? fmt::format("{}", fmt::join(blockers_, "; "))
                            : last_refusal_.empty() ? std::string("nobody is seen to hold it")
                                                    : last_refusal_;
    throw Error(errors::kLockBudget,
                fmt::format("{}: its locks were not had within {}: {}", leap_.what, humanize(leap_.budget), who),
                "Nothing was changed. End what stands in the way, then run the same command again.");
  }

  pg::Session& session_;
  Clock& clock_;
  const Leap& leap_;
  BackOff back_off_;
  const std::chrono::steady_clock::time_point deadline_;
  std::string reported_ = "none yet";
  std::vector<std::string> blockers_;
  std::string last_refusal_;
  bool longer_try_used_ = false;
  bool done_ = false;
  std::unique_ptr<pg::Session> second_;  // of the watch
  std::map<int, std::chrono::steady_clock::time_point> in_the_way_since_;
};

}  // namespace

milliseconds BackOff::next() {
  std::uniform_int_distribution<milliseconds::rep> jitter(0, ceiling_.count());
  const milliseconds pause(jitter(random_));
  ceiling_ = std::min(cap_, ceiling_ * 2);
  return pause;
}

void look_then_leap(pg::Session& session, Clock& clock, std::minstd_rand& random, const Leap& leap,
                    const std::function<void(const LockTry&)>& attempt) {
  if (leap.lock_timeout.count() == 0) {
    attempt(LockTry{1, leap.lock_timeout, std::nullopt});
    return;
  }
  Attempts(session, clock, random, leap).run(attempt);
}

}  // namespace falsework
