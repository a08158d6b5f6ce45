#include "executor/catch_up.h"

#include <fmt/format.h>

#include "base/error_kinds.h"
#include "executor/archives.h"
#include "executor/reconcile.h"

namespace falsework {

namespace {

void tell_once(RunContext& context, EventKind kind, RunPhaseState already) {
  if (state_of(context).state != already) context.tell(kind, nullptr);
}

}  // namespace

void bring_ledger_up(RunContext& context) {
  const Reconciliation result = reconcile(context.plan, state_of(context), context.journal);
  if (!result.ahead.empty()) {
    throw Error(errors::kLedgerForeign,
                fmt::format("the database does not know what the ledger calls finished in run {}: {}", context.run,
                            fmt::join(result.ahead, ", ")),
                "The database was restored from before these steps, or is another one. Restore the right one, or use "
                "another ledger.");
  }
  if (!result.repairs.empty()) {
    std::vector<std::string> lines;
    for (const Repair& repair : result.repairs) lines.push_back(fmt::format("{} {}", repair.step, name(repair.kind)));
    context.tell(EventKind::kLedgerRepaired, nullptr, fmt::format("the journal was ahead: {}", fmt::join(lines, ", ")));
  }
  for (const Repair& repair : result.repairs) {
    Event event;
    const Step* step = context.plan.step(repair.step);
    if (repair.kind == EventKind::kStepDone && context.journal_step(*step).rows > 0) {
      event.rows = context.journal_step(*step).rows;
    }
    context.tell(repair.kind, step, repair.detail, event);
  }
  if (context.finished.empty() && state_of(context).state == RunPhaseState::kDone) {
    context.tell(EventKind::kRunReopened, nullptr);
  }
  if (context.finished == "done") tell_once(context, EventKind::kRunDone, RunPhaseState::kDone);
  tell_dropped_archives(context);
  if (context.finished == "rolled_back") tell_once(context, EventKind::kRunRolledBack, RunPhaseState::kRolledBack);
}

RunState state_of(const RunContext& context) { return fold(context.plan, context.ledger.events(context.run)); }

}  // namespace falsework
