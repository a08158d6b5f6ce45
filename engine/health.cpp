#include "engine/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "engine/runs.h"
#include "executor/locks/holders.h"
#include "executor/locks/look_then_leap.h"
#include "postgres/session/session.h"
#include "state/postgres/journal.h"

namespace falsework {

namespace {

constexpr std::size_t kHashPlaces = 11;  // of a generated name: an underscore and ten digits (base/identifier.h)
constexpr const char* kOrphaned = "run.orphaned";

// A run under way, by what its plan names.
struct LiveRun {
  std::string run, plan_text;
  std::vector<std::string> relations;
};

struct LiveRuns {
  std::vector<LiveRun> runs;
  std::vector<JournalRun> journal;  // whatever their state
  std::string unread;
};

std::unique_ptr<pg::Session> open(const Connection& connection, bool read_only) {
  pg::ConnectionSettings settings;
  settings.conninfo = connection.conninfo;
  settings.application_name = connection.application_name;
  if (read_only) settings.settings["default_transaction_read_only"] = "on";
  return pg::connect(settings);
}

LiveRuns live_runs(pg::Session& session, const Ledger* ledger) {
  LiveRuns live;
  try {
    Journal journal(session);
    if (journal.incarnation()) live.journal = journal.runs();
    for (const JournalRun& run : live.journal) {
      if (run.state == "active") live.runs.push_back({run.run, run.plan_text, run.relations});
    }
  } catch (const Error& error) {
    if (error.exit() == ExitCode::kTemporary) throw;
    live.unread = error.what();
  }
  if (ledger == nullptr) return live;
  for (const RunView& view : all_runs(*ledger)) {
    // The journal knows better how a run stands.
    const bool known = std::any_of(live.journal.begin(), live.journal.end(),
                                   [&](const JournalRun& run) { return run.run == view.record.run; });
    if (!known && !is_over(view.state)) live.runs.push_back({view.record.run, view.record.plan_text, {}});
  }
  return live;
}

// The run whose plan names the object. The digits at the end of a name of ours stand for the whole of it.
std::string run_of(const LiveRuns& live, const pg::HealthFinding& finding) {
  for (const LiveRun& run : live.runs) {
    if (finding.ours) {
      const std::size_t tail = finding.object.size() - std::min(finding.object.size(), kHashPlaces);
      if (run.plan_text.find(finding.object.substr(tail)) != std::string::npos) return run.run;
    } else if (finding.code == "index.invalid" || finding.code == "constraint.unvalidated") {
      const bool touches =
          std::find(run.relations.begin(), run.relations.end(), finding.relation.display()) != run.relations.end();
      if (touches && run.plan_text.find(finding.object) != std::string::npos) return run.run;
    }
  }
  return {};
}

std::string hint_for_live(const pg::HealthFinding& finding, const std::string& run) {
  return finding.code == "trigger.disabled"
             ? finding.hint
             : fmt::format("It belongs to run {}, which is under way: falsework status {}.", run, run);
}

bool is_leftover(const pg::HealthFinding& finding) { return finding.code.rfind("leftover.", 0) == 0; }

// Runs of the journal that nothing is left of: their tables are gone. They are no longer live.
void move_orphans(pg::Session& session, LiveRuns& live, std::vector<HealthItem>& items) {
  for (const JournalRun& run : live.journal) {
    bool any = run.relations.empty() || run.state != "active";
    for (const std::string& relation : run.relations) {
      any = any || session.query("SELECT to_regclass($1) IS NOT NULL", {sql_name(relation)}).boolean(0, 0);
    }
    if (any) continue;
    HealthItem item;
    item.finding.code = kOrphaned;
    item.finding.severity = pg::Severity::kWarning;
    item.finding.relation = {"falsework", "run"};
    item.finding.object = run.run;
    item.finding.message = fmt::format("run {} is under way, and of its relations none exists: {}", run.run,
                                       fmt::join(run.relations, ", "));
    item.finding.consequence = "It can neither be advanced nor rolled back, and no other run may touch these names.";
    item.finding.hint = "Close it with: falsework check --fix.";
    item.finding.ours = true;
    item.fixable = true;
    items.push_back(std::move(item));
    std::erase_if(live.runs, [&](const LiveRun& each) { return each.run == run.run; });
  }
}

// An index of ours that is invalid and left over is said once.
void merge_invalid_leftovers(std::vector<HealthItem>& items) {
  const auto is_said = [&](const HealthItem& item) {
    return item.finding.code == "index.invalid" &&
           std::any_of(items.begin(), items.end(), [&](const HealthItem& other) {
             return other.finding.code == "leftover.index" && other.finding.relation == item.finding.relation &&
                    other.finding.object == item.finding.object;
           });
  };
  std::vector<HealthItem> kept;
  std::copy_if(items.begin(), items.end(), std::back_inserter(kept),
               [&](const HealthItem& item) { return !is_said(item); });
  items = std::move(kept);
}

class Repair {
 public:
  Repair(pg::Session& session, const Ledger* ledger, const RepairSettings& settings, Clock& clock)
      : session_(session), ledger_(ledger), settings_(settings), clock_(clock) {}

  void remove(HealthItem& item) {
    try {
      if (item.finding.code == kOrphaned) {
        close_run(item.finding.object);
      } else if (item.finding.fix_alone) {
        require_no_run(item.finding);
        drop_alone(item.finding);
      } else {
        drop_under_locks(item.finding);
      }
      item.fixed = true;
    } catch (const pg::ConnectionLost&) {
      throw;
    } catch (const Error& error) {
      if (error.exit() == ExitCode::kInterrupted || error.exit() == ExitCode::kTerminated) throw;
      item.failure = error.what();
    }
  }

 private:
  void require_no_run(const pg::HealthFinding& finding) {
    const LiveRuns live = live_runs(session_, ledger_);
    const std::string run = live.unread.empty() ? run_of(live, finding) : live.unread;
    if (run.empty()) return;
    throw Error(errors::kPlanConflict, fmt::format("it came into use meanwhile: {}", run));
  }

  // Waits for every older transaction of the database, so the short timeout does not serve here.
  void drop_alone(const pg::HealthFinding& finding) {
    session_.query("SELECT set_config('lock_timeout', '0', false), set_config('statement_timeout', $1, false)",
                   {fmt::format("{}ms", settings_.lock_budget.count())});
    for (const std::string& sql : finding.fix) session_.query(sql);
    session_.query("SELECT set_config('statement_timeout', '0', false)");
  }

  void drop_under_locks(const pg::HealthFinding& finding) {
    Leap leap;
    if (finding.fix_locks) {
      leap.locks.push_back({finding.relation.display(), pg::LockMode::kAccessExclusive, pg::LockDuration::kMoment});
    }
    leap.lock_timeout = settings_.lock_timeout;
    leap.budget = settings_.lock_budget;
    leap.what = "the removal of " + finding.object;
    leap.blocked = [this](int, const std::vector<std::string>& blockers) {
      if (settings_.blocked) settings_.blocked(blockers);
    };
    look_then_leap(session_, clock_, random_, leap, [&](const LockTry& chosen) {
      pg::Transaction transaction(session_);
      session_.query("SELECT set_config('lock_timeout', $1, true)", {fmt::format("{}ms", chosen.lock_timeout.count())});
      if (finding.fix_locks)
        session_.query(fmt::format("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", finding.relation.sql()));
      require_no_run(finding);
      for (const std::string& sql : finding.fix) session_.query(sql);
      transaction.commit();
    });
  }

  // As an engine would end it: fenced, so that one that still holds it cannot go on.
  void close_run(const std::string& run) {
    Journal journal(session_);
    const std::uint64_t epoch = journal.fence(run, settings_.actor, clock_, std::chrono::milliseconds(0));
    pg::Transaction transaction(session_);
    journal.hold_epoch(run, epoch, false);
    journal.finish_run(run, "rolled_back");
    transaction.commit();
  }

  pg::Session& session_;
  const Ledger* ledger_;
  const RepairSettings& settings_;
  Clock& clock_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace

HealthReport check_health(const Connection& connection, const HealthRequest& request, const Ledger* ledger) {
  const std::unique_ptr<pg::Session> session = open(connection, true);
  HealthReport report;
  report.database = pg::identify(*session).database;
  report.server_version = session->server_version();
  LiveRuns live = live_runs(*session, ledger);
  report.journal_unread = live.unread;
  move_orphans(*session, live, report.items);
  for (pg::HealthFinding& finding : pg::examine(*session, {request.schemas})) {
    HealthItem item;
    item.run = run_of(live, finding);
    // What a run under way needs is no leftover.
    if (is_leftover(finding) && !item.run.empty()) continue;
    if (!item.run.empty()) finding.hint = hint_for_live(finding, item.run);
    item.fixable = is_leftover(finding) && !finding.fix.empty() && live.unread.empty();
    if (is_leftover(finding) && !live.unread.empty()) {
      finding.hint = fmt::format("Whether a run under way uses it cannot be told: {}.", live.unread);
    }
    item.finding = std::move(finding);
    report.items.push_back(std::move(item));
  }
  merge_invalid_leftovers(report.items);
  report.archives = find_archives(*session);
  std::erase_if(report.items, [&](const HealthItem& item) { return item.finding.severity < request.least; });
  return report;
}

std::vector<pg::HealthFinding> find_leftovers(pg::Session& session, const Ledger* ledger,
                                              const std::vector<std::string>& relations) {
  const LiveRuns live = live_runs(session, ledger);
  std::vector<pg::HealthFinding> found;
  if (!live.unread.empty()) return found;
  for (pg::HealthFinding& finding : pg::find_objects_of_ours(session, {})) {
    const bool there = std::find(relations.begin(), relations.end(), finding.relation.display()) != relations.end();
    if ((there || finding.code == "leftover.function") && run_of(live, finding).empty()) {
      found.push_back(std::move(finding));
    }
  }
  return found;
}

void repair(HealthReport& report, const Connection& connection, const Ledger* ledger, const RepairSettings& settings,
            Clock& clock) {
  const std::unique_ptr<pg::Session> session = open(connection, false);
  Repair work(*session, ledger, settings, clock);
  // In the order in which one depends on the other; those of no such kind come first.
  static constexpr std::string_view kOrder[] = {
      kOrphaned,        "leftover.trigger",    "leftover.function", "leftover.view", "leftover.constraint",
      "leftover.index", "leftover.statistics", "leftover.column"};
  for (const std::string_view code : kOrder) {
    for (HealthItem& item : report.items) {
      if (!item.fixable || item.finding.code != code) continue;
      stop_point("a removal");
      work.remove(item);
    }
  }
}

}  // namespace falsework
