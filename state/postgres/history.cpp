#include "state/postgres/history.h"

#include <fmt/format.h>

#include <array>

#include "base/error_kinds.h"
#include "state/postgres/journal.h"
#include "state/postgres/schema.h"

namespace falsework {

namespace journal {

namespace {

constexpr std::array<std::string_view, 14> kHashed{"previous_hash", "entry", "run",  "step",        "event",
                                                   "generation",    "epoch", "rows", "duration_ms", "sqlstate",
                                                   "detail",        "actor", "role", "pid"};
// With microseconds, as the server keeps it, whatever the session's time zone.
constexpr std::string_view kHashedTime =
    R"(pg_catalog.to_char({}.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))";

// The length stands before each field, so that no two different entries have the same text.
std::string with_length(std::string_view field) {
  return fmt::format("pg_catalog.octet_length(pg_catalog.convert_to({0}, 'UTF8')), ':', {0}", field);
}

}  // namespace

std::string hash_expression(std::string_view alias) {
  std::string fields;
  for (const std::string_view column : kHashed) fields += with_length(fmt::format("{}.{}::text", alias, column)) + ", ";
  fields += with_length(fmt::format(fmt::runtime(kHashedTime), alias));
  return fmt::format(
      "pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat({}), 'UTF8')), 'hex')", fields);
}

std::string append_entries(std::string_view source) {
  return fmt::format(
      "entry AS MATERIALIZED (SELECT s.run, s.step, s.event, s.generation, s.epoch, s.rows, s.duration_ms, s.sqlstate, "
      "s.detail, r.entries + 1 AS entry, r.head AS previous_hash, r.holder AS actor, SESSION_USER::text AS role, "
      "pg_catalog.pg_backend_pid() AS pid, pg_catalog.clock_timestamp() AS at FROM ({}) AS s "
      "JOIN falsework.run AS r ON r.run = s.run FOR NO KEY UPDATE OF r), "
      "hashed AS MATERIALIZED (SELECT e.*, {} AS hash FROM entry AS e), "
      "chained AS (UPDATE falsework.run AS r SET entries = h.entry, head = h.hash FROM hashed AS h WHERE r.run = "
      "h.run), "
      "logged AS (INSERT INTO falsework.history (run, entry, step, event, generation, epoch, rows, duration_ms, "
      "sqlstate, detail, actor, role, pid, at, previous_hash, hash) SELECT h.run, h.entry, h.step, h.event, "
      "h.generation, h.epoch, h.rows, h.duration_ms, h.sqlstate, h.detail, h.actor, h.role, h.pid, h.at, "
      "h.previous_hash, h.hash FROM hashed AS h)",
      source, hash_expression("e"));
}

}  // namespace journal

std::vector<JournalEntry> Journal::history(const std::string& run) {
  const pg::Rows rows = session_.query(
      fmt::format(
          "SELECT entry, step, event, generation, epoch, rows, duration_ms, sqlstate, detail, actor, role, pid, "
          "pg_catalog.to_char(at, {}) FROM falsework.history WHERE run = $1 ORDER BY entry",
          journal::kTimeFormat),
      {run});
  std::vector<JournalEntry> entries;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    JournalEntry entry;
    entry.entry = rows.number(i, 0);
    entry.step = rows.text(i, 1);
    entry.event = rows.text(i, 2);
    entry.generation = static_cast<int>(rows.number(i, 3));
    entry.epoch = static_cast<std::uint64_t>(rows.number(i, 4));
    entry.rows = rows.number(i, 5);
    entry.duration_ms = rows.number(i, 6);
    entry.sqlstate = rows.text(i, 7);
    entry.detail = rows.text(i, 8);
    entry.actor = rows.text(i, 9);
    entry.role = rows.text(i, 10);
    entry.pid = static_cast<int>(rows.number(i, 11));
    entry.at = rows.text(i, 12);
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<std::string> Journal::verify_history() {
  std::vector<std::string> problems;
  for (const JournalRun& run : runs()) verify_history(run, problems);
  return problems;
}

void Journal::verify_history(const JournalRun& run, std::vector<std::string>& problems) {
  const pg::Rows rows = session_.query(
      fmt::format("SELECT h.entry, h.previous_hash, h.hash, {} FROM falsework.history AS h WHERE h.run = $1 "
                  "ORDER BY h.entry",
                  journal::hash_expression("h")),
      {run.run});
  std::int64_t last = 0;
  std::string previous;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t entry = rows.number(i, 0);
    if (entry != last + 1) {
      problems.push_back(fmt::format("run {}: entries {} to {} are missing", run.run, last + 1, entry - 1));
    }
    if (rows.text(i, 1) != previous) {
      problems.push_back(fmt::format("run {}: entry {} does not follow the one before it", run.run, entry));
    }
    if (rows.text(i, 2) != rows.text(i, 3)) {
      problems.push_back(fmt::format("run {}: entry {} was changed", run.run, entry));
    }
    last = entry;
    previous = rows.text(i, 2);
  }
  if (last < run.entries) {
    problems.push_back(fmt::format("run {}: entries {} to {} are missing", run.run, last + 1, run.entries));
  } else if (last > run.entries || previous != run.head) {
    problems.push_back(fmt::format("run {}: entry {} is not the last one that was written", run.run, last));
  }
}

}  // namespace falsework
