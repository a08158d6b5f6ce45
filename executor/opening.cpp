#include "executor/opening.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/stop.h"
#include "executor/catch_up.h"
#include "executor/drift.h"
#include "executor/lineage.h"
#include "executor/locks/look_then_leap.h"
#include "executor/place.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReconnectBudget{30000};
constexpr milliseconds kReconnectBase{200};
constexpr milliseconds kReconnectCap{5000};
constexpr const char* kActive = "active";
constexpr const char* kRunDone = "done";
constexpr const char* kRunRolledBack = "rolled_back";

RunState folded(const Ledger& ledger, const RunRecord& run, const Plan& plan) {
  return fold(plan, ledger.events(run.run));
}

bool is_over(RunPhaseState state) { return state == RunPhaseState::kDone || state == RunPhaseState::kRolledBack; }

// Whether the ledger knows of nothing that this run ever sent to the database.
bool is_untouched(const Ledger& ledger, const RunRecord& run) {
  const std::vector<Event> events = ledger.events(run.run);
  return std::all_of(events.begin(), events.end(), [](const Event& event) { return event.step.empty(); });
}

// The journal that this ledger remembers must be there, or no run of this database can be trusted.
void require_known_incarnation(const Ledger& ledger, const pg::DatabaseIdentity& identity,
                               const std::optional<std::string>& incarnation) {
  for (const RunRecord& run : ledger.runs()) {
    if (!is_same_database(run, identity) || run.incarnation.empty() || run.incarnation == incarnation) continue;
    if (is_untouched(ledger, run)) continue;
    if (is_over(folded(ledger, run, parse_plan(run.plan_text, run.run)).state)) continue;
    throw Error(errors::kLedgerForeign,
                incarnation ? fmt::format("the journal of this database is not the one that run {} wrote", run.run)
                            : fmt::format("this database has no journal, and run {} wrote one", run.run),
                "The database was restored from before the run, or is another one. Restore the right one, or use "
                "another ledger.");
  }
}

std::vector<std::string> relations_of(const Plan& plan) {
  std::set<std::string> relations;
  for (const Step& step : plan.steps) {
    relations.insert(step.relations.begin(), step.relations.end());
    for (const auto* locks : {&step.locks, &step.undo_locks}) {
      for (const pg::TakenLock& lock : *locks) relations.insert(lock.relation);
    }
  }
  return {relations.begin(), relations.end()};
}

JournalRun journal_entry(const RunRecord& record, const Plan& plan, const Ledger& ledger, const std::string& actor) {
  JournalRun entry;
  entry.run = record.run;
  entry.name = record.name;
  entry.plan_digest = record.plan_digest;
  entry.plan_text = record.plan_text;
  entry.lineage = ledger.lineage();
  entry.relations = relations_of(plan);
  entry.state = kActive;
  entry.holder = actor;
  return entry;
}

Event created_event(const RunRecord& record, const std::string& actor) {
  Event event;
  event.run = record.run;
  event.kind = EventKind::kRunCreated;
  event.at = record.created_at;
  event.actor = actor;
  event.detail = record.name;
  return event;
}

// The run that this plan has already: in the journal, else in the ledger, where a crash between the two left it.
std::optional<JournalRun> find_in_journal(Journal& journal, const Plan& plan) {
  std::optional<JournalRun> found;
  for (JournalRun& entry : journal.runs()) {
    if (entry.plan_digest != plan.digest || entry.state == kRunRolledBack) continue;
    if (!found || entry.state == kActive) found = std::move(entry);
  }
  return found;
}

std::optional<RunRecord> find_untold(const Ledger& ledger, const pg::DatabaseIdentity& identity, const Plan& plan) {
  for (const RunRecord& run : ledger.runs()) {
    if (run.plan_digest != plan.digest || !is_same_database(run, identity)) continue;
    if (is_untouched(ledger, run) && !is_over(folded(ledger, run, plan).state)) return run;
  }
  return std::nullopt;
}

void create_run(pg::Session& session, Ledger& ledger, const Plan& plan, const RunRecord& record, bool in_journal) {
  Journal journal(session);
  // The ledger's entry lies between the journal's and its commit: what cannot be written there is not sent, and what
  // was written without the commit is found again.
  pg::Transaction transaction(session);
  if (!in_journal) {
    // A run that has the table has changed it, too: that it has it says more.
    journal.create_run(journal_entry(record, plan, ledger, record.created_by));
    if (const auto drift = find_drift(session, plan); !drift.empty()) {
      throw Error(errors::kPlanStale, fmt::format("the catalog has drifted: {}", fmt::join(drift, "; ")),
                  "Nothing was changed. Make the plan anew with: falsework plan.");
    }
  }
  ledger.create_run(record, created_event(record, record.created_by));
  failpoint("start.ledger");
  transaction.commit();
  failpoint("start.journal");
}

// Creates the run, unless another engine creates it for the same plan at this moment; then that one is returned.
RunRecord enter_run(pg::Session& session, Ledger& ledger, const Plan& plan, const RunRecord& fresh, bool in_journal) {
  try {
    create_run(session, ledger, plan, fresh, in_journal);
    return fresh;
  } catch (const Error& error) {
    const bool somebody_was_first = error.code() == errors::kPlanConflict.code ||
                                    error.code() == errors::kPlanStale.code || error.code() == errors::kRunHeld.code;
    if (!somebody_was_first) throw;
    Journal journal(session);
    const auto entry = find_in_journal(journal, plan);
    if (!entry) throw;
    require_our_ledger(*entry, ledger);
    const auto record = ledger.find_run(entry->run);
    if (!record) throw;
    return *record;
  }
}

void fence_and_read(RunContext& context) {
  Journal journal(*context.session);
  failpoint("fence.before");
  context.epoch =
      journal.fence(context.run, context.actor, context.clock, context.options.patience, context.options.take_over);
  failpoint("fence.after");
  // Another engine may have gone on with another copy of the ledger until just now.
  const std::optional<JournalRun> entry = journal.find_run(context.run);
  FALSEWORK_CHECK(entry.has_value());
  require_our_ledger(*entry, context.ledger);
  context.finished = entry->state == kActive ? std::string() : entry->state;
  context.journal = journal.steps(context.run);
  bring_ledger_up(context);
  pg::Transaction transaction(*context.session);
  journal.hold_epoch(context.run, context.epoch, false);
  journal.mark_ledger(context.run, context.ledger.mark());
  transaction.commit();
  failpoint("fence.reconciled");
}

// A run that is over is not fenced: taking it up must write nothing.
std::unique_ptr<RunContext> take_over(std::unique_ptr<RunContext> context, const JournalRun& entry) {
  if (entry.state != kActive) {
    context->finished = entry.state;
    context->journal = Journal(*context->session).steps(context->run);
    bring_ledger_up(*context);
    return context;
  }
  fence_and_read(*context);
  return context;
}

// A run may have been rolled back by an engine that died before it could tell the ledger. The ledger is told now, so
// that the plan begins anew, and nobody takes that run for one that is still to go on.
void tell_of_rollbacks(std::unique_ptr<pg::Session>& session, const pg::DatabaseIdentity& identity, const Plan& plan,
                       Ledger& ledger, Clock& clock, Observer& observer, const ExecutorOptions& options) {
  for (const RunRecord& run : ledger.runs()) {
    if (run.plan_digest != plan.digest || !is_same_database(run, identity)) continue;
    if (is_over(folded(ledger, run, plan).state)) continue;
    const std::optional<JournalRun> entry = Journal(*session).find_run(run.run);
    if (!entry || entry->state != kRunRolledBack) continue;
    require_our_ledger(*entry, ledger);
    auto context = make_context(run.run, plan, ledger, clock, observer, options, std::move(session));
    context = take_over(std::move(context), *entry);
    session = std::move(context->session);
  }
}

// The run, when another engine has taken it over since we held it. The holder's name carries our process id.
std::optional<JournalRun> find_successor(RunContext& context) {
  std::optional<JournalRun> entry = Journal(*context.session).find_run(context.run);
  if (entry && entry->holder == context.actor) entry.reset();
  return entry;
}

// Enters a run that the ledger knows and the journal does not. Another engine may do the same at this moment, or be
// just about to commit the run that it has told the ledger of: then it is there.
void enter_journal(Journal& journal, const JournalRun& entry) {
  try {
    journal.create_run(entry);
  } catch (const Error& error) {
    if (error.code() != errors::kObjectExists.code) throw;
  }
}

}  // namespace

std::unique_ptr<RunContext> open_for_plan(const Plan& plan, const std::string& plan_text, Ledger& ledger, Clock& clock,
                                          Observer& observer, const ExecutorOptions& options) {
  if (plan.digest != digest_of(plan)) {
    throw Error(errors::kPlanDigest, fmt::format("the plan {} was changed after it was stamped", plan.name),
                "Make the plan anew with: falsework plan.");
  }
  pg::DatabaseIdentity identity;
  std::unique_ptr<pg::Session> session = open_session(options, identity);
  const std::string here = where(*session, identity);
  if (!plan.system_identifier.empty() && !identity.system_identifier.empty() &&
      plan.system_identifier != identity.system_identifier) {
    throw Error(errors::kDatabaseForeign,
                fmt::format("the plan {} was made for another server than {}", plan.name, here),
                "Connect to the server that the plan was made for, or make the plan anew.");
  }
  Journal journal(*session);
  require_known_incarnation(ledger, identity, journal.incarnation());
  journal.install();

  tell_of_rollbacks(session, identity, plan, ledger, clock, observer, options);
  std::optional<JournalRun> entry = find_in_journal(journal, plan);
  std::optional<RunRecord> record = entry ? ledger.find_run(entry->run) : find_untold(ledger, identity, plan);
  if (entry) require_our_ledger(*entry, ledger);
  const std::string actor = actor_of(options);
  if (!record) {
    const RunRecord fresh{entry ? entry->run : fmt::format("{}-{}", plan.name, random_uuid().substr(0, 8)),
                          plan.name,
                          plan.digest,
                          plan_text,
                          here,
                          identity.system_identifier,
                          identity.database_oid,
                          journal.incarnation().value_or(""),
                          render_time(clock.now()),
                          actor};
    record = enter_run(*session, ledger, plan, fresh, entry.has_value());
  } else if (!entry) {
    enter_journal(journal, journal_entry(*record, plan, ledger, actor));
  }
  entry = journal.find_run(record->run);
  FALSEWORK_CHECK(entry.has_value());
  return take_over(make_context(record->run, plan, ledger, clock, observer, options, std::move(session)), *entry);
}

std::unique_ptr<RunContext> open_for_run(const RunRecord& run, Ledger& ledger, Clock& clock, Observer& observer,
                                         const ExecutorOptions& options) {
  Plan plan = parse_plan(run.plan_text, run.run);
  if (plan.digest != run.plan_digest) {
    throw Error(errors::kPlanDigest,
                fmt::format("the ledger's plan of run {} is not the one that it began with", run.run),
                "Restore the ledger from a copy.");
  }
  pg::DatabaseIdentity identity;
  std::unique_ptr<pg::Session> session = open_session(options, identity);
  require_same_database(run, identity, where(*session, identity));
  Journal journal(*session);
  const std::optional<std::string> incarnation = journal.incarnation();
  require_known_incarnation(ledger, identity, incarnation);
  const RunPhaseState told = folded(ledger, run, plan).state;
  std::optional<JournalRun> entry = incarnation ? journal.find_run(run.run) : std::nullopt;
  auto context = make_context(run.run, plan, ledger, clock, observer, options, std::move(session));
  if (!entry) {
    if (is_over(told)) {
      // The journal was taken away after the run was over.
      context->finished = told == RunPhaseState::kDone ? kRunDone : kRunRolledBack;
      return context;
    }
    if (!is_untouched(ledger, run)) {
      throw Error(errors::kLedgerForeign, fmt::format("the journal of this database does not know run {}", run.run),
                  "The database was restored from before the run, or is another one. Restore the right one, or use "
                  "another ledger.");
    }
    Journal created(*context->session);
    created.install();
    enter_journal(created, journal_entry(run, plan, ledger, context->actor));
    entry = created.find_run(run.run);
  }
  require_our_ledger(*entry, ledger);
  if (entry->plan_digest != run.plan_digest) {
    throw Error(errors::kPlanDigest, fmt::format("run {} was begun with another plan than the ledger holds", run.run),
                "Restore the ledger from a copy.");
  }
  return take_over(std::move(context), *entry);
}

void ensure_fenced(RunContext& context) {
  if (context.epoch == 0) fence_and_read(context);
}

void reconnect(RunContext& context) {
  const auto deadline = context.clock.monotonic() + kReconnectBudget;
  BackOff back_off(context.random, kReconnectBase, kReconnectCap);
  for (;;) {
    // First, for the old session may still hold the run's lock.
    context.session.reset();
    bool overtaken = false;
    try {
      pg::DatabaseIdentity identity;
      context.session = open_session(context.options, identity);
      const auto record = context.ledger.find_run(context.run);
      FALSEWORK_CHECK(record.has_value());
      require_same_database(*record, identity, where(*context.session, identity));
      if (const auto successor = find_successor(context)) {
        overtaken = true;
        throw Error(errors::kRunHeld,
                    fmt::format("run {} was taken over by {} at {}, while the connection was lost", context.run,
                                successor->holder, successor->held_since),
                    "Nothing more was changed here. See where the run stands with `falsework status`.");
      }
      fence_and_read(context);
      return;
    } catch (const Error& error) {
      // A server that starts, or a standby on its way to being the primary.
      const bool passing =
          error.kind().code == errors::kDatabaseUnreachable.code || error.kind().code == errors::kRunHeld.code;
      if (overtaken || !passing || context.clock.monotonic() >= deadline) throw;
      log_debug(fmt::format("connecting anew: {}", error.what()));
    }
    if (!context.clock.sleep(back_off.next())) stop_point("a lost connection");
  }
}

}  // namespace falsework
