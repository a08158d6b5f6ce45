#include "state/postgres/copy_journal.h"

#include <fmt/format.h>

#include "base/error_kinds.h"
#include "state/postgres/history.h"
#include "state/postgres/schema.h"

namespace falsework {

namespace {

pg::Value text_of(const std::optional<std::int64_t>& number) {
  return number ? pg::Value(std::to_string(*number)) : pg::Value();
}

std::string describe(const CopyLimits& limits) {
  std::vector<std::string> parts;
  if (limits.workers) parts.push_back(fmt::format("workers {}", *limits.workers));
  if (limits.wal_rate) parts.push_back(fmt::format("wal_rate {}", *limits.wal_rate));
  if (limits.max_lag) parts.push_back(fmt::format("max_lag {} ms", limits.max_lag->count()));
  if (limits.hold_while) parts.push_back(fmt::format("hold_while {}", *limits.hold_while));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

std::vector<CopySlotRow> CopyJournal::slots(const std::string& step, int generation) {
  const pg::Rows rows = session_.query(
      "SELECT slot, position, rows FROM falsework.copy_slot WHERE run = $1 AND step = $2 AND generation = $3::integer "
      "ORDER BY slot",
      {run_, step, std::to_string(generation)});
  std::vector<CopySlotRow> slots;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    slots.push_back({static_cast<int>(rows.number(i, 0)), rows.text(i, 1), rows.number(i, 2)});
  }
  return slots;
}

void CopyJournal::clear_slots(const std::string& step) {
  session_.query("DELETE FROM falsework.copy_slot WHERE run = $1 AND step = $2", {run_, step});
}

void CopyJournal::place_slot(const std::string& step, int generation, const CopySlotRow& slot) {
  FALSEWORK_CHECK(session_.in_transaction());
  session_.query(
      "INSERT INTO falsework.copy_slot AS s (run, step, slot, generation, position, rows, at) "
      "VALUES ($1, $2, $3::integer, $4::integer, $5::jsonb, $6::bigint, pg_catalog.clock_timestamp()) "
      "ON CONFLICT (run, step, slot) DO UPDATE SET generation = excluded.generation, position = excluded.position, "
      "rows = excluded.rows, at = excluded.at",
      {run_, step, std::to_string(slot.slot), std::to_string(generation), slot.position, std::to_string(slot.rows)});
}

SlotMoved CopyJournal::move_slot(const std::string& step, int generation, const CopySlotRow& slot,
                                 const std::string& relation) {
  FALSEWORK_CHECK(session_.in_transaction());
  static const std::string kMove =
      "UPDATE falsework.copy_slot SET position = $5::jsonb, rows = $6::bigint, at = pg_catalog.clock_timestamp() "
      "WHERE run = $1 AND step = $2 AND slot = $3::integer AND generation = $4::integer "
      "RETURNING coalesce(pg_catalog.pg_relation_filenode(pg_catalog.to_regclass($7)::oid)::text, ''), "
      "coalesce((SELECT pg_catalog.sum(c.revision) FROM falsework.copy_control AS c WHERE c.run = $1), 0)::bigint, "
      "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::float8";
  const pg::Rows moved =
      session_.query_prepared(kMove, {run_, step, std::to_string(slot.slot), std::to_string(generation), slot.position,
                                      std::to_string(slot.rows), relation});
  FALSEWORK_CHECK(moved.size() == 1);  // it was placed by this engine, or read by it behind the fence
  return {moved.text(0, 0), moved.number(0, 1), std::stod(moved.text(0, 2))};
}

CopyControl CopyJournal::control() {
  static const std::string kControl = fmt::format(
      "SELECT coalesce(pg_catalog.sum(c.revision), 0)::bigint, coalesce(pg_catalog.bool_or(c.paused), false), "
      "coalesce(pg_catalog.max(CASE WHEN c.paused THEN c.actor END), ''), "
      "coalesce(pg_catalog.max(CASE WHEN c.paused THEN pg_catalog.to_char(c.at, {0}) END), ''), "
      "pg_catalog.max(CASE WHEN c.passing AND c.until > pg_catalog.clock_timestamp() THEN "
      "pg_catalog.to_char(c.until, {0}) END) FROM falsework.copy_control AS c WHERE c.run = $1",
      journal::kTimeFormat);
  static const std::string kLimits =
      "SELECT workers, wal_rate, max_lag_ms, hold_while FROM falsework.copy_control "
      "WHERE run = $1 AND (NOT passing OR until > pg_catalog.clock_timestamp()) ORDER BY passing DESC";
  const pg::Rows head = session_.query_prepared(kControl, {run_});
  CopyControl control;
  control.revision = head.number(0, 0);
  control.paused = head.boolean(0, 1);
  control.paused_by = head.text(0, 2);
  control.paused_since = head.text(0, 3);
  control.until = head.rows[0][4].value_or("");
  const pg::Rows limits = session_.query_prepared(kLimits, {run_});
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const auto& row = limits.rows[i];
    CopyLimits& held = control.limits;
    if (!held.workers && row[0]) held.workers = std::stoi(*row[0]);
    if (!held.wal_rate && row[1]) held.wal_rate = std::stoll(*row[1]);
    if (!held.max_lag && row[2]) held.max_lag = std::chrono::milliseconds(std::stoll(*row[2]));
    if (!held.hold_while && row[3]) held.hold_while = *row[3];
  }
  return control;
}

bool CopyJournal::set_paused(bool paused, const std::string& actor) {
  pg::Transaction transaction(session_);
  const pg::Rows changed = session_.query(
      "INSERT INTO falsework.copy_control AS c (run, passing, revision, paused, actor) "
      "VALUES ($1, false, 1, $2::boolean, $3) ON CONFLICT (run, passing) DO UPDATE SET revision = c.revision + 1, "
      "paused = excluded.paused, actor = excluded.actor, at = pg_catalog.clock_timestamp() "
      "WHERE c.paused <> excluded.paused",
      {run_, paused ? "true" : "false", actor});
  const bool new_and_not_paused = !paused && changed.affected == 1 && control().revision == 1;
  transaction.commit();
  if (changed.affected > 0 && !new_and_not_paused) log(paused ? "copy_paused" : "copy_resumed", actor);
  return changed.affected > 0 && !new_and_not_paused;
}

void CopyJournal::set_limits(const CopyLimits& limits, std::optional<std::chrono::milliseconds> duration,
                             const std::string& actor) {
  pg::Transaction transaction(session_);
  const std::optional<std::int64_t> workers =
      limits.workers ? std::optional<std::int64_t>(*limits.workers) : std::nullopt;
  const std::optional<std::int64_t> lag =
      limits.max_lag ? std::optional<std::int64_t>(limits.max_lag->count()) : std::nullopt;
  // Passing limits that have ended leave nothing to those that are set now.
  session_.query(
      "UPDATE falsework.copy_control SET workers = NULL, wal_rate = NULL, max_lag_ms = NULL, hold_while = NULL "
      "WHERE run = $1 AND passing AND until <= pg_catalog.clock_timestamp()",
      {run_});
  session_.query(
      "INSERT INTO falsework.copy_control AS c (run, passing, revision, workers, wal_rate, max_lag_ms, hold_while, "
      "until, actor) VALUES ($1, $2::bigint IS NOT NULL, 1, $3::integer, $4::bigint, $5::bigint, $6, "
      "pg_catalog.clock_timestamp() + $2::bigint * interval '1 millisecond', $7) "
      "ON CONFLICT (run, passing) DO UPDATE SET revision = c.revision + 1, "
      "workers = coalesce(excluded.workers, c.workers), wal_rate = coalesce(excluded.wal_rate, c.wal_rate), "
      "max_lag_ms = coalesce(excluded.max_lag_ms, c.max_lag_ms), "
      "hold_while = coalesce(excluded.hold_while, c.hold_while), until = excluded.until",
      {run_, duration ? pg::Value(std::to_string(duration->count())) : pg::Value(), text_of(workers),
       text_of(limits.wal_rate), text_of(lag), limits.hold_while ? pg::Value(*limits.hold_while) : pg::Value(), actor});
  transaction.commit();
  log("copy_throttled",
      fmt::format("{}: {}{}", actor, describe(limits), duration ? fmt::format(" for {} ms", duration->count()) : ""));
}

// Once what was set is committed, in a transaction of its own: the entry needs the run's row alone, which the batches
// of a running copy share, and they stop for a moment when they see that something was set.
void CopyJournal::log(const std::string& event, const std::string& detail) {
  static const std::string kLog =
      fmt::format("WITH {} SELECT 1",
                  journal::append_entries(
                      "SELECT r.run, ''::text AS step, $2::text AS event, 0 AS generation, r.epoch, 0::bigint AS rows, "
                      "-1::bigint AS duration_ms, ''::text AS sqlstate, $3::text AS detail FROM falsework.run AS r "
                      "WHERE r.run = $1"));
  pg::Transaction transaction(session_);
  session_.query("SELECT 1 FROM falsework.run WHERE run = $1 FOR NO KEY UPDATE", {run_});
  session_.query(kLog, {run_, event, detail});
  transaction.commit();
}

}  // namespace falsework
