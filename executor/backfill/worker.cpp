#include "executor/backfill/worker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/failpoint.h"
#include "executor/locks/holders.h"
#include "executor/runners/transaction.h"
#include "state/postgres/copy_journal.h"

namespace falsework {

namespace {

using std::chrono::milliseconds;

constexpr int kTries = 3;
constexpr int kBarrenRounds = 10;
constexpr milliseconds kPauseBase{20};
constexpr milliseconds kRoundPause{250};
constexpr std::int64_t kMostBlocksAtOnce = 64;  // of a batch that takes every row of its range
constexpr auto kContiguous = std::chrono::milliseconds(20);
// Of one row whose lock is held already: nobody is waited for, so no deadlock can come of it.
constexpr milliseconds kRowTimeout{30000};

pg::ConnectionSettings settings_of(const RunContext& context) {
  pg::ConnectionSettings settings = context.options.connection;
  settings.application_name += "/copy";
  settings.settings["synchronous_commit"] = "off";
  return settings;
}

// What another session's lock, or a slow moment, brings about. A late cancel request of a person ends here too.
std::optional<BatchOutcome> outcome_of(const pg::SqlError& error) {
  switch (pg::classify(error)) {
    case pg::SqlClass::kLockTimeout:
    case pg::SqlClass::kDeadlock:
    case pg::SqlClass::kSerialization: return BatchOutcome::kYielded;
    case pg::SqlClass::kCanceled:
    case pg::SqlClass::kStatementTimeout: return BatchOutcome::kTooLong;
    default: return std::nullopt;
  }
}

std::vector<std::string> lines_of(const std::vector<Holder>& holders) {
  std::vector<std::string> lines;
  for (const Holder& holder : holders) {
    if (!holder.age || *holder.age > CopyWorker::kLockTimeout) lines.push_back(describe(holder));
  }
  return lines;
}

}  // namespace

CopyWorker::CopyWorker(const RunContext& context, const Step& step, const CopyCursor& copy, CopyBoard& board,
                       int number)
    : context_(context),
      step_(step),
      copy_(copy),
      generation_(context.journal_step(step).generation),
      number_(number),
      board_(board),
      random_(static_cast<std::minstd_rand::result_type>(
          std::hash<std::string>{}(context.actor + std::to_string(number)))) {}

void CopyWorker::work() noexcept {
  try {
    open();
    work_until_done();
  } catch (...) {
    board_.fail(std::current_exception());
  }
}

void CopyWorker::open() {
  for (int tries = 1;; ++tries) {
    try {
      open_once();
      return;
    } catch (const pg::SqlError& error) {
      if (!outcome_of(error) || tries == kTries) throw;
    }
  }
}

// The time limit of a batch comes last: a slow moment while the session is made ready is no reason to fail.
void CopyWorker::open_once() {
  session_ = pg::connect(settings_of(context_));
  Journal(*session_).register_backend(context_.run, context_.epoch, session_->backend_pid());
  // The dual-write trigger lets the copy's own updates pass.
  session_->query("SELECT pg_catalog.set_config('falsework.copy', $1, false)", {context_.run});
  // A server that looks for deadlocks sooner is yielded to sooner.
  session_->query(
      "SELECT pg_catalog.set_config('lock_timeout', least($1::integer, d.ms / 3)::text, false), "
      "pg_catalog.set_config('statement_timeout', least($2::integer, d.ms * 7 / 10)::text, false) "
      "FROM (SELECT greatest(s.setting::integer, 10) AS ms FROM pg_catalog.pg_settings AS s "
      "WHERE s.name = 'deadlock_timeout') AS d",
      {std::to_string(kLockTimeout.count()), std::to_string(kBatchTimeout.count())});
}

void CopyWorker::work_until_done() {
  for (;;) {
    if (board_.turn(number_, false) == CopyBoard::Turn::kStop) return;
    auto ticket = board_.take([&](const Ticket& fresh) { return place(fresh); });
    if (ticket) {
      if (!work_at(*ticket)) continue;
      board_.finish(*ticket);
      continue;
    }
    Ticket rest;
    std::vector<BlockRange> deferred;
    if (board_.begin_settling(rest, deferred)) {
      settle(std::move(rest), std::move(deferred));
      return;
    }
    board_.rest(milliseconds(20));
  }
}

bool CopyWorker::place(const Ticket& ticket) {
  try {
    pg::Transaction transaction(*session_);
    Journal(*session_).hold_epoch(context_.run, context_.epoch, true);
    CopyJournal(*session_, context_.run)
        .place_slot(step_.id, generation_, {ticket.slot, render_slot(ticket.cursor), ticket.cursor.rows});
    failpoint("batch.placed");
    transaction.commit();
  } catch (const pg::SqlError& error) {
    if (!outcome_of(error)) throw;
    return false;
  }
  return true;
}

bool CopyWorker::work_at(Ticket& ticket) {
  // Where the first stripe of a whole group finds nothing, hardly anything is to be copied (every value is null, or
  // done already): counting what remains is cheaper than the other stripes, and copies what there is all the same.
  bool nothing_found = ticket.cursor.at == begin_group(ticket.cursor.at.group);
  const std::int64_t rows_before = ticket.cursor.rows;
  while (!is_done(ticket.cursor.at, copy_.stripes)) {
    if (board_.turn(number_, true) != CopyBoard::Turn::kGo) {
      board_.give_back(ticket);
      return false;
    }
    const GroupPosition here = ticket.cursor.at;
    const bool verifying = is_verifying(here, copy_.stripes);
    const BlockRange range =
        next_range(here, verifying ? std::min(board_.range_blocks(), kMostBlocksAtOnce) : board_.range_blocks());
    const GroupPosition after = after_range(here, range, copy_.stripes);
    if (verifying) {
      verify(ticket, range);
      // A stop may have come before the range was seen to be done.
      if (!board_.stopping()) ticket.cursor.at = after;
    } else {
      const BatchOutcome outcome = copy_patiently({range, copy_.stripes, here.stripe}, ticket, after);
      // What the stripe left behind is found when the group is verified.
      if (outcome != BatchOutcome::kRewritten) ticket.cursor.at = after;
      nothing_found = nothing_found && outcome == BatchOutcome::kDone && ticket.cursor.rows == rows_before;
      if (nothing_found && after.stripe == 1) ticket.cursor.at = verify_group(after, copy_.stripes);
    }
  }
  // The last position of a group is that of no batch.
  if (!place(ticket)) {
    ticket.cursor.at = verify_group(ticket.cursor.at, copy_.stripes);
    board_.give_back(ticket);
    return false;
  }
  return true;
}

void CopyWorker::verify(Ticket& ticket, const BlockRange& range) {
  for (int tries = 0; tries < kTries; ++tries) {
    if (remaining(range) == 0) return;
    if (board_.stopping()) return;
    if (tries + 1 == kTries || copy_patiently({range}, ticket, ticket.cursor.at) != BatchOutcome::kDone) break;
  }
  std::vector<BlockRange>& deferred = ticket.cursor.deferred;
  if (std::find(deferred.begin(), deferred.end(), range) == deferred.end()) deferred.push_back(range);
}

BatchOutcome CopyWorker::copy_patiently(const Batch& batch, Ticket& ticket, const GroupPosition& after,
                                        int most_tries) {
  BatchOutcome outcome = BatchOutcome::kYielded;
  for (int tries = 1; tries <= most_tries && !board_.stopping(); ++tries) {
    outcome = copy_once(batch, ticket, after);
    if (outcome == BatchOutcome::kDone) return outcome;
    if (outcome == BatchOutcome::kRewritten) {
      board_.rewritten();
      return outcome;
    }
    yielded_ = true;
    if (outcome == BatchOutcome::kTooLong) {
      board_.too_long();
      return outcome;
    }
    wait_for_table();
    pause(tries);
  }
  return outcome;
}

BatchOutcome CopyWorker::copy_once(const Batch& batch, Ticket& ticket, const GroupPosition& after) {
  failpoint("batch.begin");
  begun_ = context_.clock.monotonic();
  Ticket next = ticket;
  BatchFacts facts;
  try {
    pg::Transaction transaction(*session_);
    Journal(*session_).hold_epoch(context_.run, context_.epoch, true);
    const pg::Rows updated = session_->query_prepared(
        step_.copy->statement,
        {lower_tid(batch.range), upper_tid(batch.range), std::to_string(batch.stripes), std::to_string(batch.stripe)});
    failpoint("batch.updated");
    next.cursor.at = after;
    facts.rows = static_cast<std::int64_t>(updated.affected);
    next.cursor.rows += facts.rows;
    if (!leave_cursor(next, facts)) return BatchOutcome::kRewritten;
    failpoint("batch.journal");
    transaction.commit();
  } catch (const pg::SqlError& error) {
    if (const auto outcome = outcome_of(error)) return *outcome;
    throw;
  }
  failpoint("batch.committed");
  last_batch_ = context_.clock.monotonic();
  facts.took = last_batch_ - begun_;
  ticket = next;
  board_.moved(ticket, facts);
  if (board_.is_slow()) board_.rest(std::chrono::ceil<milliseconds>(facts.took));
  return BatchOutcome::kDone;
}

// Under the lock that the UPDATE holds: from here to the end of the transaction the file stays.
bool CopyWorker::leave_cursor(Ticket& after, BatchFacts& facts) {
  const SlotMoved moved =
      CopyJournal(*session_, context_.run)
          .move_slot(step_.id, generation_, {after.slot, render_slot(after.cursor), after.cursor.rows},
                     step_.copy->relation);
  facts.revision = moved.revision;
  facts.wal_bytes = wal_of(moved, facts.rows);
  return moved.filenode == copy_.table.filenode;
}

// The server counts the WAL of everybody. What it grew by between two batches without a pause is shared among the
// workers; after a pause, what a row has cost so far is taken.
double CopyWorker::wal_of(const SlotMoved& moved, std::int64_t rows) {
  const bool contiguous = last_wal_ > 0 && begun_ - last_batch_ < kContiguous;
  const double grown = moved.wal_bytes - last_wal_;
  last_wal_ = moved.wal_bytes;
  if (!contiguous) return wal_per_row_ * static_cast<double>(rows);
  const double mine = grown / std::max(1, board_.totals().working);
  if (rows > 0) wal_per_row_ += 0.1 * (mine / static_cast<double>(rows) - wal_per_row_);
  return mine;
}

std::optional<std::int64_t> CopyWorker::remaining(const BlockRange& range) {
  try {
    return session_->query_prepared(step_.copy->remaining, {lower_tid(range), upper_tid(range)}).number(0, 0);
  } catch (const pg::SqlError& error) {
    if (outcome_of(error)) return std::nullopt;
    throw;
  }
}

void CopyWorker::settle(Ticket ticket, std::vector<BlockRange> deferred) {
  int barren_rounds = 0;
  while (!deferred.empty()) {
    board_.set_waiting({"rows that others hold locked"});
    std::vector<BlockRange> left;
    yielded_ = false;
    bool settled_one = false;
    for (const BlockRange& range : deferred) {
      if (board_.turn(0, false) == CopyBoard::Turn::kStop) return;
      settled_one = settle_range(ticket, range, left) || settled_one;
      board_.report();
    }
    deferred = std::move(left);
    barren_rounds = settled_one || yielded_ ? 0 : barren_rounds + 1;
    if (!deferred.empty() && barren_rounds >= kBarrenRounds) {
      throw Error(errors::kStepFailed,
                  fmt::format("step {}: rows of {} in blocks {} to {} stay as they are", step_.id, step_.copy->relation,
                              deferred.front().first, deferred.front().end),
                  "See whether a trigger or rule of that table undoes the copy's update, then run the same command "
                  "again.");
    }
    if (!deferred.empty() && !settled_one) board_.rest(kRoundPause);
  }
  board_.set_waiting({});
  board_.settled();
}

bool CopyWorker::settle_range(Ticket& ticket, const BlockRange& range, std::vector<BlockRange>& left) {
  if (remaining(range) == 0) return true;
  const std::int64_t middle = range.first + (range.end - range.first) / 2;
  const bool one_block = middle == range.first;
  bool copied = one_block;
  if (one_block) {
    copy_rows(ticket, range);
  } else {
    copied = copy_patiently({range}, ticket, ticket.cursor.at, 1) == BatchOutcome::kDone;
  }
  if (board_.stopping()) return false;
  if (copied && remaining(range) == 0) return true;
  if (copied) {
    left.push_back(range);
    return false;
  }
  left.push_back({range.first, middle});
  left.push_back({middle, range.end});
  return false;
}

// One block, a row at a time: those that others hold locked are passed over, and wait for nobody.
void CopyWorker::copy_rows(Ticket& ticket, const BlockRange& range) {
  const std::string listing = fmt::format(
      "SELECT ctid::text, '(' || split_part(translate(ctid::text, '()', ''), ',', 1) || ',' || "
      "(split_part(translate(ctid::text, '()', ''), ',', 2)::integer + 1) || ')' FROM ONLY {} "
      "WHERE ctid >= $1::pg_catalog.tid AND ctid < $2::pg_catalog.tid",
      step_.copy->relation);
  pg::Rows rows;
  try {
    rows = session_->query_prepared(listing, {lower_tid(range), upper_tid(range)});
    for (std::size_t i = 0; i < rows.size() && !board_.stopping(); ++i) {
      const std::vector<pg::Value> bounds{rows.text(i, 0), rows.text(i, 1)};
      if (session_->query_prepared(step_.copy->remaining, bounds).number(0, 0) == 0) continue;
      if (!copy_row(ticket, rows.text(i, 0), rows.text(i, 1))) yielded_ = true;
    }
  } catch (const pg::SqlError& error) {
    if (!outcome_of(error)) throw;
    yielded_ = true;
    wait_for_table();
  }
}

bool CopyWorker::copy_row(Ticket& ticket, const std::string& lower, const std::string& upper) {
  const std::string locking = fmt::format(
      "SELECT 1 FROM ONLY {} WHERE ctid = $1::pg_catalog.tid FOR NO KEY UPDATE SKIP LOCKED", step_.copy->relation);
  Ticket next = ticket;
  BatchFacts facts;
  {
    pg::Transaction transaction(*session_);
    Journal(*session_).hold_epoch(context_.run, context_.epoch, true);
    if (session_->query_prepared(locking, {lower}).empty()) return false;
    set_local(*session_, "statement_timeout", kRowTimeout);
    const pg::Rows updated = session_->query_prepared(step_.copy->statement, {lower, upper, "1", "0"});
    facts.rows = static_cast<std::int64_t>(updated.affected);
    next.cursor.rows += facts.rows;
    if (!leave_cursor(next, facts)) {
      board_.rewritten();
      return false;
    }
    transaction.commit();
  }
  ticket = next;
  board_.moved(ticket, facts);
  return true;
}

void CopyWorker::wait_for_table() {
  const std::vector<pg::TakenLock> ours{{step_.copy->relation, pg::LockMode::kRowExclusive, pg::LockDuration::kBatch}};
  bool told = false;
  while (!board_.stopping()) {
    std::vector<std::string> lines;
    try {
      lines = lines_of(find_holders(*session_, ours));
    } catch (const pg::SqlError& error) {
      // The look has the time limit of a batch, too; who is there is seen by the next one.
      if (!outcome_of(error)) throw;
      break;
    }
    if (lines.empty()) break;
    told = true;
    board_.set_waiting(lines);
    board_.report();
    board_.rest(kRoundPause);
  }
  if (told) board_.set_waiting({});
}

void CopyWorker::pause(int tries) {
  std::uniform_int_distribution<int> jitter(static_cast<int>(kPauseBase.count()), static_cast<int>(kPauseBase.count())
                                                                                      << tries);
  board_.rest(milliseconds(jitter(random_)));
}

}  // namespace falsework
