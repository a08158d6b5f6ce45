#include "base/failpoint.h"
#include "executor/backfill/copy.h"
#include "executor/drift.h"
#include "executor/runners/runner.h"
#include "executor/runners/transaction.h"

namespace falsework {

namespace {

// The cursor of an earlier try, or a new one. The table's file and its number of blocks are read after the commit of
// the trigger: every later row version is in agreement already.
CopyCursor begin_or_resume(RunContext& context, const Step& step) {
  const TableEpoch table = read_epoch(*context.session, step.copy->relation);
  const JournalStep before = context.journal_step(step);
  CopyCursor cursor;
  if (before.state == JournalState::kIntent && !before.cursor.empty()) {
    cursor = parse_cursor(before.cursor);
    if (cursor.table.filenode == table.filenode) return cursor;
    cursor = begin_epoch(cursor, table);
  } else {
    cursor.table = table;
  }
  JournalStep row = context.next_row(step, JournalState::kIntent);
  row.cursor = render_cursor(cursor);
  row.rows = cursor.rows;
  record_alone(context, row);
  return cursor;
}

}  // namespace

std::int64_t run_backfill(RunContext& context, const Step& step) {
  require_no_row_security(*context.session, step);
  require_no_drift(*context.session, context);
  failpoint("backfill.begin");
  const CopyCursor begun = begin_or_resume(context, step);
  failpoint("backfill.cursor");
  const CopyCursor end = TableCopy(context, step, begun).run();
  failpoint("backfill.copied");

  pg::Session& session = *context.session;
  Journal journal(session);
  pg::Transaction transaction(session);
  journal.hold_epoch(context.run, context.epoch, false);
  require_no_drift(session, context);
  require_done(session, step);
  context.journal[step.id] = context.journal_step(step);
  context.journal[step.id].cursor = render_cursor(end);
  record_done(context, journal, step, end.rows);
  failpoint("backfill.journal");
  // On this session, whose commits are synchronous: the copy's commits before it are on disk with it.
  transaction.commit();
  failpoint("backfill.committed");
  return end.rows;
}

}  // namespace falsework
