#include <fmt/format.h>

#include <algorithm>

#include "planner/rewrites/rewrites.h"
#include "planner/rewrites/trigger.h"

namespace falsework {
namespace {

// Rows that are still to be copied: the new value is missing, and there is one.
std::string not_copied(const ShadowPair& pair) {
  const std::string n = quote_identifier(pair.shadow);
  if (pair.fill) return fmt::format("{} IS NULL", n);
  if (!pair.up) return fmt::format("({} IS NULL AND {} IS NOT NULL)", n, quote_identifier(pair.old_name()));
  return fmt::format("({} IS NULL AND {} IS NOT NULL)", n, up_typed(pair, {pair.old_name()}));
}

// Rows whose two shapes contradict each other. Bytewise, and right for maps that lose something: either direction
// explains the row.
std::string disagree(const ShadowPair& pair, bool switched) {
  const std::string old_name = switched && pair.swap_names ? pair.aside : pair.old_name();
  const std::string new_name = switched && pair.swap_names ? pair.final_name : pair.shadow;
  const std::string o = quote_identifier(old_name);
  const std::string n = quote_identifier(new_name);
  const std::string up = pair.fill ? up_assigned(pair, {old_name}) : up_typed(pair, {old_name});
  const std::string forwards = fmt::format("pg_catalog.record_image_ne(ROW({}), ROW({}))", n, up);
  const bool exact = pair.up_cast == pg::CastKind::kTotal && pair.down_cast != pg::CastKind::kLossy && !pair.up &&
                     !pair.down && !pair.fill;
  if (exact) return forwards;
  return fmt::format("({} AND ({} IS NULL OR pg_catalog.record_image_ne(ROW({}), ROW({}))))", forwards, n, o,
                     down_typed(pair, {new_name}));
}

std::string join(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, " OR ")); }

std::string in_range(const std::string& relation) {
  return fmt::format("FROM ONLY {} WHERE ctid >= $1::pg_catalog.tid AND ctid < $2::pg_catalog.tid", relation);
}

Copy copy_of(const TableWork& work) {
  std::vector<std::string> sets, missing;
  const bool alone = work.pairs.size() + work.fills.size() == 1;
  for (const ShadowPair& pair : work.pairs) {
    const std::string n = quote_identifier(pair.shadow);
    // Computed from the row that is being locked; what a writer of the new shape has written is left alone.
    sets.push_back(
        alone ? fmt::format("{} = {}", n, up_assigned(pair, {pair.old_name()}))
              : fmt::format("{0} = CASE WHEN {0} IS NULL THEN {1} ELSE {0} END", n,
                            pair.fill ? up_assigned(pair, {pair.old_name()}) : up_typed(pair, {pair.old_name()})));
    missing.push_back(not_copied(pair));
  }
  for (const FillRule& fill : work.fills) {
    const std::string column = quote_identifier(fill.column);
    sets.push_back(fmt::format("{0} = CASE WHEN {0} IS NULL THEN ({1}) ELSE {0} END", column, fill.expression));
    missing.push_back(fmt::format("{} IS NULL", column));
  }
  Copy copy;
  copy.relation = work.table->name.sql();
  copy.statement = fmt::format(
      "UPDATE ONLY {} SET {} WHERE ctid >= $1::pg_catalog.tid AND ctid < $2::pg_catalog.tid AND "
      "(pg_catalog.hashtid(ctid) & 2147483647) % $3::pg_catalog.int4 = $4::pg_catalog.int4 AND ({})",
      copy.relation, fmt::join(sets, ", "), join(missing));
  copy.remaining = fmt::format("SELECT pg_catalog.count(*) {} AND ({})", in_range(copy.relation), join(missing));
  return copy;
}

// The share of the rows that have anything to be copied, as far as statistics know it.
double share_to_copy(const TableWork& work) {
  double nothing = 1;
  for (const ShadowPair& pair : work.pairs) {
    if (pair.constant) continue;
    const bool nulls_stay = !pair.up && !pair.fill && pair.column->null_fraction >= 0;
    nothing *= nulls_stay ? pair.column->null_fraction : 0;
  }
  for (const FillRule& fill : work.fills) {
    const pg::Column* column = work.table->column(fill.column);
    nothing *= column != nullptr && column->null_fraction >= 0 ? 1 - column->null_fraction : 0;
  }
  return 1 - nothing;
}

std::int64_t bytes_added(const TableWork& work) {
  // Row versions that find no room in their page, about a fifth of them, and the new values (measured: design §7).
  const double rows = std::max(0.0, work.table->rows);
  const double width = rows > 0 ? static_cast<double>(work.table->bytes) / rows : 0;
  double values = 0;
  for (const ShadowPair& pair : work.pairs) values += pair.column->average_width > 0 ? pair.column->average_width : 8;
  return static_cast<std::int64_t>(rows * share_to_copy(work) * (values + 0.2 * width));
}

}  // namespace

Step agreement_proof(const TableWork& work, Phase phase, bool switched) {
  std::vector<std::string> wrong;
  for (const ShadowPair& pair : work.pairs) wrong.push_back(disagree(pair, switched));
  for (const FillRule& fill : work.fills) wrong.push_back(fmt::format("{} IS NULL", quote_identifier(fill.column)));
  const std::string rows_of = work.table->name.display();
  Step proof = range_check(fmt::format("{}/{}/proof", subject(work), name(phase)), phase, *work.table, join(wrong),
                           fmt::format("{{count}} rows of {} disagree between old and new shape", rows_of),
                           "Look at these rows and at what wrote them, then roll back: {samples}.");
  proof.check->proof = true;
  proof.title = fmt::format("Prove that no row of {} disagrees", rows_of);
  return proof;
}

void copy_rows(Draft& draft, const TableWork& work) {
  if (!work.has_trigger()) return;
  const pg::Table& table = *work.table;
  const std::string prefix = subject(work);
  const std::string rows_of = table.name.display();

  Step copy;
  copy.id = prefix + "/backfill/copy";
  copy.phase = Phase::kBackfill;
  copy.kind = StepKind::kBackfill;
  copy.title = fmt::format("Copy the rows of {} that were there before the dual write", rows_of);
  copy.why =
      "Each short transaction locks the rows of one stripe of one block range and computes the value from the row that "
      "it "
      "locks, so no concurrent write is lost; rows written since the dual write are in agreement already and are "
      "skipped.";
  copy.relations = {rows_of};
  copy.copy = copy_of(work);
  copy.sql = {copy.copy->statement};
  copy.transaction = false;
  copy.locks = {{rows_of, pg::LockMode::kRowExclusive, pg::LockDuration::kBatch}};
  copy.scans = true;
  copy.timeouts.lock = std::chrono::milliseconds(200);  // below deadlock_timeout: the copy yields, never a client
  copy.estimate = {static_cast<std::int64_t>(std::max(0.0, table.rows) * share_to_copy(work)), bytes_added(work)};
  copy.undo_note = work.fills.empty() ? "The copied values go with the column." : "Values that were filled stay.";
  copy.needs = {prefix + "/dual_write/trigger"};
  draft.add(std::move(copy));

  Step proof = agreement_proof(work, Phase::kBackfill, false);
  proof.why = "Nothing is offered to clients, and nothing is dropped, before every row was seen to be in agreement.";
  proof.needs = {prefix + "/backfill/copy"};
  draft.copied[table.name] = draft.add(std::move(proof)).id;

  std::vector<std::string> columns;
  for (const ShadowPair& pair : work.pairs) columns.push_back(pair.shadow);
  if (columns.empty()) return;
  Step analyze = statement_step(draft, prefix + "/backfill/analyze", Phase::kBackfill,
                                fmt::format("Gather statistics on the new column of {}", prefix),
                                "Without statistics the planner would guess once queries use it.",
                                {pg::Analyze{table.name, columns}}, std::vector<pg::Ddl>{});
  analyze.needs = {prefix + "/backfill/proof"};
  draft.add(std::move(analyze));
}

}  // namespace falsework
