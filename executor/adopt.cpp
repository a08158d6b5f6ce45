#include "executor/adopt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "executor/catch_up.h"
#include "executor/place.h"
#include "executor/run_context.h"
#include "executor/schedule.h"
#include "state/rebuild.h"

namespace falsework {

namespace {

constexpr const char* kActive = "active";

Plan plan_of(const JournalRun& entry) {
  Plan plan = parse_plan(entry.plan_text, entry.run);
  if (plan.digest == entry.plan_digest && digest_of(plan) == entry.plan_digest) return plan;
  throw Error(errors::kPlanDigest,
              fmt::format("the journal's plan of run {} is not the one that it began with", entry.run),
              "Somebody has written to the journal. Restore its table falsework.run from a backup.");
}

[[noreturn]] void fail_without_journal(const std::string& database) {
  throw Error(errors::kRunUnknown, fmt::format("database {} has no journal, so there is no run to adopt", database),
              "Connect to the database that was being changed, with -d.");
}

JournalRun find_entry(Journal& journal, const std::string& run) {
  if (auto entry = journal.find_run(run)) return *entry;
  throw Error(errors::kRunUnknown, fmt::format("the journal has no run {}", run),
              "List its runs with: falsework adopt --dry-run.");
}

RunRecord record_of(const JournalRun& entry, const std::vector<Event>& events, const pg::DatabaseIdentity& identity,
                    const std::string& here, const std::string& incarnation) {
  return {entry.run,
          entry.name,
          entry.plan_digest,
          entry.plan_text,
          here,
          identity.system_identifier,
          identity.database_oid,
          incarnation,
          entry.created_at,
          events.front().actor};
}

std::string told(const JournalRun& entry, const std::string& reason) {
  const std::string from = fmt::format("from ledger {}", entry.lineage);
  return reason.empty() ? from : fmt::format("{}: {}", from, reason);
}

Event adopted_event(const RunContext& context, const std::string& detail) {
  Event event;
  event.run = context.run;
  event.kind = EventKind::kRunAdopted;
  event.epoch = context.epoch;
  event.at = render_time(context.clock.now());
  event.actor = context.actor;
  event.detail = detail;
  return event;
}

// An active run is nobody's until somebody carries it on: it waits at its gate, is as failed as it was, or is paused.
void settle_state(RunContext& context) {
  const RunState state = state_of(context);
  if (!context.finished.empty() || state.state != RunPhaseState::kRunning) return;
  const auto left = steps_to_run(context.plan, state, Target{Target::Kind::kEnd, Phase::kContract, {}});
  const bool undoing =
      std::any_of(state.steps.begin(), state.steps.end(), [](const auto& s) { return s.second.undoing; });
  if (left.empty() || undoing || left.front()->kind != StepKind::kGate) {
    context.tell(EventKind::kRunPaused, nullptr, "adopted");
    return;
  }
  std::vector<std::string> conditions;
  for (const GateCondition& condition : left.front()->gate->conditions)
    conditions.push_back(render_condition(condition));
  context.tell(EventKind::kRunWaiting, nullptr, fmt::format("{}: {}", left.front()->id, fmt::join(conditions, ", ")));
}

// The ledger's part lies between the journal's and its commit, as when a run is created: what was written without the
// commit is found again by adopting once more.
void write_both(RunContext& context, const JournalRun& entry, const RunRecord& record, std::vector<Event> events,
                const std::string& reason) {
  Journal journal(*context.session);
  pg::Transaction transaction(*context.session);
  if (context.finished.empty()) journal.hold_epoch(context.run, context.epoch, false);
  journal.adopt(context.run, context.ledger.lineage(), told(entry, reason));
  if (context.ledger.find_run(context.run)) {
    context.ledger.append(adopted_event(context, told(entry, reason)));
  } else {
    events.push_back(adopted_event(context, told(entry, reason)));
    context.ledger.import_run(record, std::move(events));
  }
  bring_ledger_up(context);
  settle_state(context);
  journal.mark_ledger(context.run, context.ledger.mark());
  failpoint("adopt.ledger");
  transaction.commit();
  failpoint("adopt.committed");
}

}  // namespace

std::vector<JournaledRun> find_journaled(const pg::ConnectionSettings& connection, const Ledger* ledger) {
  const std::unique_ptr<pg::Session> session = pg::connect(connection);
  Journal journal(*session);
  if (!journal.incarnation()) fail_without_journal(pg::identify(*session).database);
  std::vector<JournaledRun> found;
  for (JournalRun& entry : journal.runs()) {
    Plan plan = plan_of(entry);
    const LedgerStanding standing = ledger == nullptr ? LedgerStanding::kOtherLineage : standing_of(entry, *ledger);
    found.push_back({std::move(entry), std::move(plan), standing});
  }
  return found;
}

bool adopt_run(const std::string& run, const std::string& reason, Ledger& ledger, Clock& clock, Observer& observer,
               const ExecutorOptions& options) {
  pg::DatabaseIdentity identity;
  std::unique_ptr<pg::Session> session = open_session(options, identity);
  const std::string here = where(*session, identity);
  Journal journal(*session);
  const std::optional<std::string> incarnation = journal.incarnation();
  if (!incarnation) fail_without_journal(identity.database);
  JournalRun entry = find_entry(journal, run);
  if (standing_of(entry, ledger) == LedgerStanding::kKeeps && ledger.find_run(run)) return false;
  if (const auto known = ledger.find_run(run)) require_same_database(*known, identity, here);
  Plan plan = plan_of(entry);
  const auto context = make_context(run, std::move(plan), ledger, clock, observer, options, std::move(session));
  Journal fenced(*context->session);
  if (entry.state == kActive) {
    context->epoch = fenced.fence(run, context->actor, clock, options.patience, options.take_over);
    failpoint("adopt.fenced");
    entry = find_entry(fenced, run);
  }
  if (entry.state != kActive) context->finished = entry.state;
  context->journal = fenced.steps(run);
  std::vector<Event> events = rebuild_events(context->plan, entry, fenced.history(run), context->journal);
  const RunRecord record = record_of(entry, events, identity, here, *incarnation);
  write_both(*context, entry, record, std::move(events), reason);
  return true;
}

}  // namespace falsework
