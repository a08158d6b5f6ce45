// What every runner works with: one run of one plan, held by this process.
//
// One rule: the session is replaced when its connection is lost; nobody keeps a reference to it across steps.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "base/clock.h"
#include "executor/executor.h"
#include "plans/plan.h"
#include "postgres/session/session.h"
#include "state/event.h"
#include "state/ledger.h"
#include "state/postgres/journal.h"

namespace falsework {

struct RunContext {
  // Constant after construction.
  std::string run;
  std::string actor;  // user@host (pid)
  Plan plan;
  Ledger& ledger;
  Clock& clock;
  Observer& observer;
  ExecutorOptions options;

  std::unique_ptr<pg::Session> session;
  std::uint64_t epoch = 0;                      // 0: not fenced yet
  std::chrono::steady_clock::time_point begun;  // the step that is being done
  std::string finished;                         // the journal's state of the run when it is over: done, rolled_back
  std::map<std::string, JournalStep> journal;   // as last read
  std::minstd_rand random;                      // of the back-off

  // The step's row in the journal, or the one that it would begin with.
  JournalStep journal_step(const Step& step) const;
  bool journal_says(const Step& step, JournalState state) const;

  // The step's next row: `state`, under our epoch, of the same generation; an undo begins a new one, without cursor.
  JournalStep next_row(const Step& step, JournalState state) const;

  // Writes into the journal up to where the ledger goes, in the open transaction, which holds the epoch.
  void mark_ledger(Journal& in) const { in.mark_ledger(run, ledger.mark()); }

  // Appends an event to the ledger, with time, actor, epoch and the step's generation.
  void tell(EventKind kind, const Step* step, std::string detail = {}, Event more = {});

  // Reports who holds what we wait for, to the observer and the ledger.
  void blocked(const Step& step, int attempt, const std::vector<std::string>& blockers);

  std::chrono::milliseconds lock_timeout(const Step& step) const;
  std::chrono::milliseconds lock_budget(const Step& step) const;
};

// The context of a run that is not held yet.
std::unique_ptr<RunContext> make_context(const std::string& run, Plan plan, Ledger& ledger, Clock& clock,
                                         Observer& observer, const ExecutorOptions& options,
                                         std::unique_ptr<pg::Session> session);

}  // namespace falsework
