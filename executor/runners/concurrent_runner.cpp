#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/stop.h"
#include "executor/drift.h"
#include "executor/runners/build.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"
#include "executor/step_error.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr int kTries = 3;
constexpr milliseconds kRetryBase{500};
constexpr milliseconds kRetryCap{10000};
constexpr milliseconds kBuildingLook{500};
// Who stops us waits for us, and a removal waits for every older transaction of the database.
constexpr const char* kStoppingPatience = "10s";

enum class Standing { kAbsent, kReady, kBroken, kBuilding, kForeign };

// No timeouts while it lives: with the short lock timeout, any open query in the database kills a concurrent build and
// leaves an invalid index.
class Untimed {
 public:
  explicit Untimed(pg::Session& session, const std::string& statement_timeout = "0") : session_(session) {
    lock_ = swap("lock_timeout", "0");
    statement_ = swap("statement_timeout", statement_timeout);
  }
  Untimed(const Untimed&) = delete;
  Untimed& operator=(const Untimed&) = delete;
  ~Untimed() {
    try {
      swap("lock_timeout", lock_);
      swap("statement_timeout", statement_);
    } catch (const std::exception& error) {
      log_debug(fmt::format("the session's timeouts were not set back: {}", error.what()));
    }
  }

 private:
  std::string swap(const std::string& setting, const std::string& value) {
    std::string before = query_past_cancels(session_, "SELECT pg_catalog.current_setting($1)", {setting}).text(0, 0);
    query_past_cancels(session_, "SELECT pg_catalog.set_config($1, $2, false)", {setting, value});
    return before;
  }

  pg::Session& session_;
  std::string lock_, statement_;
};

// One concurrent step on its way, forwards or back.
class Site {
 public:
  Site(RunContext& context, const Step& step) : context_(context), step_(step), session_(*context.session) {}

  // Where it stands; waits while somebody builds it, and refuses what is not ours.
  Standing look() {
    const auto deadline = context_.clock.monotonic() + context_.lock_budget(step_);
    for (;;) {
      const Standing standing = ask();
      if (standing == Standing::kForeign) refuse_foreign();
      if (standing != Standing::kBuilding) return standing;
      if (context_.clock.monotonic() >= deadline) {
        throw Error(errors::kLockBudget, fmt::format("step {}: another session is building it", step_.id),
                    "Wait until that build is over, then run the same command again.");
      }
      context_.clock.sleep(kBuildingLook);
      stop_point("a build");
    }
  }

  // Runs statements outside a transaction.
  void act(const std::vector<std::string>& sql) {
    const Untimed untimed(session_);
    for (const std::string& statement : sql) run_build(context_, step_, statement);
  }

  // Removes what a failed build left, and looks that it is gone.
  void clean_up() {
    if (look() != Standing::kBroken) return;
    failpoint("concurrent.cleanup");
    const std::vector<std::string> cleanup{step_.probe->cleanup};
    try {
      act(cleanup);
    } catch (const pg::SqlError& error) {
      // A late cancel request of ours, or a deadlock with another build: once more.
      log_debug(fmt::format("cleaning up {}: {}", step_.id, error.what()));
      if (look() == Standing::kBroken) take_away(cleanup);
    } catch (const std::exception& error) {
      name_unless_lost(error, cleanup);
      throw;
    }
    if (look() != Standing::kBroken) return;
    throw Error(errors::kStepFailed, fmt::format("step {}: what a failed build left could not be removed", step_.id),
                fmt::format("Remove it by hand, outside a transaction: {}", step_.probe->cleanup));
  }

  // Runs what takes the object away; where that comes to no end, what remains is named.
  void take_away(const std::vector<std::string>& sql) {
    try {
      act(sql);
    } catch (const std::exception& error) {
      name_unless_lost(error, sql);
      throw;
    }
  }

  // As clean_up, for a step that is about to end: what cannot be removed soon, or looked at, is named, and removed by
  // the next engine, whose journal has our intent. Throws nothing, for the caller has an error of its own.
  void clean_up_and_stop() {
    try {
      if (ask() != Standing::kBroken) return;
      const Untimed briefly(session_, kStoppingPatience);
      session_.query(step_.probe->cleanup);
    } catch (const std::exception& error) {
      log_debug(fmt::format("cleaning up {}: {}", step_.id, error.what()));
    }
    name_remains({step_.probe->cleanup});
  }

  [[noreturn]] void refuse_foreign() const {
    throw Error(errors::kObjectForeign, fmt::format("step {}: an object of that name exists and is not ours", step_.id),
                "Rename or remove it, then run the same command again.");
  }

 private:
  // The next connection goes on with what a lost one has left.
  void name_unless_lost(const std::exception& error, const std::vector<std::string>& sql) {
    const auto* ours = dynamic_cast<const Error*>(&error);
    if (ours == nullptr || !is_connection_loss(*ours, &session_)) name_remains(sql);
  }

  // Unless all is gone. What cannot be looked at is taken to be there; what cannot be told, is logged.
  void name_remains(const std::vector<std::string>& sql) {
    try {
      if (ask() == Standing::kAbsent) return;
    } catch (const std::exception& error) {
      log_debug(fmt::format("what is left of {} was not looked at: {}", step_.id, error.what()));
    }
    const std::string remains =
        fmt::format("what is left of it stands until the run goes on, for its removal waits for other transactions: {}",
                    fmt::join(sql, "; "));
    try {
      context_.blocked(step_, 1, {remains});
    } catch (const std::exception& error) {
      log_warning(fmt::format("step {}: {} ({})", step_.id, remains, error.what()));
    }
  }

  Standing ask() {
    const pg::Rows rows = query_past_cancels(session_, step_.probe->query);
    const std::string answer = rows.empty() ? "absent" : rows.text(0, 0);
    if (answer == "absent") return Standing::kAbsent;
    if (answer == "ready") return Standing::kReady;
    if (answer == "broken") return Standing::kBroken;
    if (answer == "building") return Standing::kBuilding;
    if (answer == "foreign") return Standing::kForeign;
    throw Error(errors::kPlanInvalid, fmt::format("step {}: its probe answered {}", step_.id, answer));
  }

  RunContext& context_;
  const Step& step_;
  pg::Session& session_;
};

// The intent is committed before anything is done, and only where nothing of that name stands: what a later probe
// finds is then ours.
void declare_intent(RunContext& context, const Step& step, Site& site) {
  if (context.journal_says(step, JournalState::kIntent) || context.journal_says(step, JournalState::kUndoIntent))
    return;
  require_no_drift(*context.session, context);
  if (site.look() != Standing::kAbsent) site.refuse_foreign();
  record_alone(context, context.next_row(step, JournalState::kIntent), [&](Journal& journal) {
    require_no_drift(*context.session, context);
    if (step.irreversible) journal.mark_no_return(context.run);
  });
  failpoint("concurrent.intent");
}

[[noreturn]] void refuse_duplicates(const Step& step, const pg::SqlError& error) {
  throw Error(errors::kStepFailed, fmt::format("step {}: there are duplicate values: {}", step.id, error.what()),
              "What was built is removed again. Resolve the duplicates, then run the same command again.");
}

bool is_hopeless(const pg::SqlError& error) {
  const std::string& state = error.sqlstate();
  return state.starts_with("42") || state.starts_with("22") || state.starts_with("0A") || state.starts_with("3F");
}

// Tries once. What fails is cleaned up at once, whatever the reason.
void build(RunContext& context, const Step& step, Site& site, bool last) {
  try {
    failpoint("concurrent.act");
    site.act(step.sql);
    failpoint("concurrent.acted");
  } catch (const pg::SqlError& error) {
    const pg::SqlClass kind = pg::classify_sqlstate(error.sqlstate());
    if (kind == pg::SqlClass::kAdminShutdown) throw;
    failpoint("concurrent.failed");
    site.clean_up();
    if (kind == pg::SqlClass::kUniqueViolation) refuse_duplicates(step, error);
    if (last || is_hopeless(error)) throw;
    context.blocked(step, 1, {fmt::format("{} failed and is tried again: {}", step.id, error.what())});
  } catch (const pg::ConnectionLost&) {
    throw;
  } catch (const std::exception&) {
    // A stop, the limit of time, or what nobody expects.
    site.clean_up_and_stop();
    throw;
  }
}

void record_end(RunContext& context, const Step& step) {
  pg::Session& session = *context.session;
  Journal journal(session);
  pg::Transaction transaction(session);
  journal.hold_epoch(context.run, context.epoch, false);
  require_no_drift_but_index(session, context, step);
  require_done(session, step);
  record_done(context, journal, step, -1);
  failpoint("concurrent.journal");
  transaction.commit();
  failpoint("concurrent.committed");
}

}  // namespace

std::int64_t run_concurrent(RunContext& context, const Step& step) {
  Site site(context, step);
  declare_intent(context, step, site);
  BackOff back_off(context.random, kRetryBase, kRetryCap);
  for (int tries = 1;; ++tries) {
    site.clean_up();
    if (site.look() == Standing::kReady) break;
    build(context, step, site, tries >= kTries);
    const Standing standing = site.look();
    if (standing == Standing::kReady) break;
    if (tries >= kTries) {
      site.clean_up();
      throw Error(errors::kStepFailed, fmt::format("step {} ran, but its effect is not there", step.id),
                  "Compare its SQL with the catalog: falsework explain shows both.");
    }
    if (!context.clock.sleep(back_off.next())) stop_point("a build");
  }
  record_end(context, step);
  return -1;
}

void undo_concurrent(RunContext& context, const Step& step) {
  FALSEWORK_CHECK(step.undo.has_value());
  Site site(context, step);
  const Fingerprint expected = expected_fingerprint(*context.session, context);
  const Fingerprint before = read_fingerprint(*context.session, context.plan);
  const bool began_before = context.journal_says(step, JournalState::kUndoIntent);
  record_alone(context, context.next_row(step, JournalState::kUndoIntent));
  failpoint("undo.intent");
  site.clean_up();
  for (int tries = 1; !step.undo->empty() && site.look() != Standing::kAbsent; ++tries) {
    if (tries > kTries) {
      throw Error(errors::kStepFailed, fmt::format("step {}: its undo ran, but its effect is still there", step.id),
                  "Compare its undo with the catalog: falsework explain shows both.");
    }
    failpoint("undo.act");
    site.take_away(*step.undo);
    failpoint("undo.acted");
  }
  record_alone(context, context.next_row(step, JournalState::kUndone), [&](Journal&) {
    // A first undo compares what it found; one that goes on after a crash may find half of its own work.
    record_after_undo(*context.session, context, expected, began_before ? expected : before);
  });
  failpoint("undo.committed");
}

}  // namespace falsework
