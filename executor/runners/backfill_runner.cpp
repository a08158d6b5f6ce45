#include "base/failpoint.h"
#include "executor/backfill/copy.h"
#include "executor/drift.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"
#include "state/postgres/copy_journal.h"

namespace falsework {

std::int64_t run_backfill(RunContext& context, const Step& step) {
  require_no_row_security(*context.session, step);
  require_no_drift(*context.session, context);
  failpoint("backfill.begin");
  TableCopy copy(context, step);
  failpoint("backfill.cursor");
  const CopyCursor end = copy.run();
  failpoint("backfill.copied");

  pg::Session& session = *context.session;
  Journal journal(session);
  pg::Transaction transaction(session);
  journal.hold_epoch(context.run, context.epoch, false);
  require_no_drift(session, context);
  require_done(session, step);
  context.journal[step.id] = context.journal_step(step);
  context.journal[step.id].cursor = render_cursor(end);
  CopyJournal(session, context.run).clear_slots(step.id);
  record_done(context, journal, step, end.rows);
  failpoint("backfill.journal");
  // On this session, whose commits are synchronous: the copy's commits before it are on disk with it.
  transaction.commit();
  failpoint("backfill.committed");
  return end.rows;
}

}  // namespace falsework
