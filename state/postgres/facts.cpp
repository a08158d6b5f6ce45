#include "state/postgres/facts.h"

#include <fmt/format.h>

#include "base/error_kinds.h"
#include "state/postgres/schema.h"

namespace falsework {

namespace {

std::string rendered(std::string_view column) {
  return fmt::format("pg_catalog.to_char({}, {})", column, journal::kTimeFormat);
}

std::string age_of(std::string_view column) {
  return fmt::format("pg_catalog.floor(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - {}))::bigint", column);
}

}  // namespace

void Facts::add(const Fact& fact) {
  const pg::Value as_of = fact.as_of.empty() ? pg::Value() : pg::Value(fact.as_of);
  try {
    session_.query(
        "INSERT INTO falsework.fact (run, step, kind, subject, plan_digest, comment, actor, as_of) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::timestamptz, pg_catalog.clock_timestamp()))",
        {fact.run, fact.step, fact.kind, fact.subject, fact.plan_digest, fact.comment, fact.actor, as_of});
  } catch (const pg::SqlError& failure) {
    if (as_of && pg::classify_sqlstate(failure.sqlstate()) == pg::SqlClass::kDataException) {
      throw Error(errors::kUsage, fmt::format("\"{}\" is not a time", fact.as_of),
                  "Write it with its zone, as in 2026-12-01T03:00:00Z.");
    }
    throw;
  }
}

std::vector<Fact> Facts::of(const std::string& run) {
  const pg::Rows rows = session_.query(
      fmt::format("SELECT run, step, kind, subject, plan_digest, comment, actor, {}, role, {}, {} FROM falsework.fact "
                  "WHERE run = $1 OR kind = 'release' ORDER BY serial",
                  rendered("as_of"), rendered("at"), age_of("as_of")),
      {run});
  std::vector<Fact> facts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    facts.push_back({rows.text(i, 0), rows.text(i, 1), rows.text(i, 2), rows.text(i, 3), rows.text(i, 4),
                     rows.text(i, 5), rows.text(i, 6), rows.text(i, 7), rows.text(i, 8), rows.text(i, 9),
                     std::chrono::seconds(rows.number(i, 10))});
  }
  return facts;
}

std::string Facts::undone_at(const std::string& run, const std::string& step) {
  const pg::Rows rows = session_.query(
      fmt::format("SELECT coalesce({}, '') FROM falsework.history WHERE run = $1 AND step = $2 AND event = 'undone'",
                  rendered("max(at)")),
      {run, step});
  return rows.text(0, 0);
}

std::optional<Sighting> Facts::sighting(const std::string& run, const std::string& step, const std::string& condition) {
  const pg::Rows rows = session_.query(
      fmt::format(
          "SELECT value, detail, {}, {} FROM falsework.sighting WHERE run = $1 AND step = $2 AND condition = $3",
          rendered("at"), age_of("at")),
      {run, step, condition});
  if (rows.empty()) return std::nullopt;
  return Sighting{rows.text(0, 0), rows.text(0, 1), rows.text(0, 2), std::chrono::seconds(rows.number(0, 3))};
}

void Facts::see(const std::string& run, const std::string& step, const std::string& condition, const std::string& value,
                const std::string& detail) {
  session_.query(
      "INSERT INTO falsework.sighting (run, step, condition, value, detail) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (run, step, condition) DO UPDATE SET value = excluded.value, detail = excluded.detail, "
      "at = pg_catalog.clock_timestamp()",
      {run, step, condition, value, detail});
}

}  // namespace falsework
