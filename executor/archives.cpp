#include "executor/archives.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "executor/catch_up.h"
#include "executor/locks/look_then_leap.h"
#include "executor/runners/transaction.h"

namespace falsework {

namespace {

constexpr const char* kDropped = "archive_dropped";

bool is_there(RunContext& context, const std::string& archive) {
  return context.session->query("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {archive}).boolean(0, 0);
}

std::vector<std::string> archives_there(RunContext& context) {
  std::vector<std::string> archives;
  for (const Step& step : context.plan.steps) {
    for (const std::string& archive : step.archives) {
      if (is_there(context, archive)) archives.push_back(archive);
    }
  }
  return archives;
}

const Step* reader(const Plan& plan) {
  const auto found =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return !step.archives.empty(); });
  return found == plan.steps.end() ? nullptr : &*found;
}

std::optional<Event> dropped(const RunContext& context) {
  std::optional<Event> last;
  for (Event& event : context.ledger.events(context.run)) {
    if (event.kind == EventKind::kArchiveDropped) last = std::move(event);
  }
  return last;
}

// Also of a run that was done and is being rolled back: it is under way again.
void require_over(const RunContext& context) {
  if (!context.finished.empty()) return;
  throw Error(errors::kUsage, fmt::format("run {} is under way, and its archive is part of it", context.run),
              fmt::format("Finish the run first, with: falsework advance {0}; or go back with: falsework rollback "
                          "{0}, which drops the archive.",
                          context.run));
}

void drop(RunContext& context, const std::vector<std::string>& archives, const std::string& detail,
          const LockTry& chosen) {
  pg::Transaction transaction(*context.session);
  set_local(*context.session, "lock_timeout", chosen.lock_timeout);
  Journal journal(*context.session);
  journal.hold_epoch(context.run, context.epoch, false);
  journal.mark_no_return(context.run);
  JournalEntry entry;
  entry.event = kDropped;
  entry.detail = detail;
  journal.note(context.run, context.epoch, entry);
  context.mark_ledger(journal);
  for (const std::string& archive : archives) context.session->query("DROP TABLE " + archive);
  failpoint("archive.dropped");
  transaction.commit();
}

}  // namespace

void require_archives(RunContext& context, const std::vector<const Step*>& steps) {
  for (const Step* step : steps) {
    for (const std::string& archive : step->archives) {
      if (is_there(context, archive)) continue;
      const std::optional<Event> event = dropped(context);
      const std::string by = event ? fmt::format(", dropped at {} by {}", event->at, event->actor) : "";
      throw Error(errors::kIrreversible,
                  fmt::format("step {} cannot be undone: its archive {} is gone{}", step->id, archive, by),
                  context.finished == "done"
                      ? "The run is over. The way back is a migration of its own, from the new shape to the old one."
                      : fmt::format("The run can only go forward: falsework advance {}.", context.run));
    }
  }
}

std::vector<std::string> drop_archives(RunContext& context) {
  require_over(context);
  std::vector<std::string> archives = archives_there(context);
  if (archives.empty()) return archives;
  const std::string detail = fmt::format("{}", fmt::join(archives, ", "));
  const Step& step = *reader(context.plan);
  failpoint("archive.intent.before");
  context.tell(EventKind::kArchiveIntent, nullptr, detail);
  failpoint("archive.intent");
  Leap leap;
  for (const std::string& archive : archives) {
    leap.locks.push_back({archive, pg::LockMode::kAccessExclusive, pg::LockDuration::kMoment});
  }
  leap.lock_timeout = context.lock_timeout(step);
  leap.budget = context.lock_budget(step);
  leap.what = "the removal of " + detail;
  leap.blocked = [&](int attempt, const std::vector<std::string>& blockers) {
    context.observer.step_blocked(step, attempt, blockers);
  };
  leap.open_watch = [&] { return pg::connect(context.options.connection); };
  leap.terminate_blockers = context.options.terminate_blockers;
  leap.our_pids = [&] { return Journal(*context.session).live_backends(); };
  look_then_leap(*context.session, context.clock, context.random, leap,
                 [&](const LockTry& chosen) { drop(context, archives, detail, chosen); });
  failpoint("archive.committed");
  context.tell(EventKind::kArchiveDropped, nullptr, detail);
  failpoint("archive.done");
  return archives;
}

void tell_dropped_archives(RunContext& context) {
  if (context.finished != "done" || reader(context.plan) == nullptr || dropped(context)) return;
  for (const JournalEntry& entry : Journal(*context.session).history(context.run)) {
    if (entry.event == kDropped) context.tell(EventKind::kArchiveDropped, nullptr, entry.detail);
  }
}

}  // namespace falsework
