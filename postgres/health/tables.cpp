// Tables that the planner of queries knows nothing of.
#include <fmt/format.h>

#include "postgres/health/health.h"

namespace falsework::pg {

namespace {

// The times of the statistics are lost in a crash, and pg_stats hides what a role may not read: so both must be silent,
// or, where the role may not read, the table must have been counted by nobody. Sizes are the catalog's: to ask the file
// takes a lock. A partitioned table is never analyzed by itself.
constexpr const char* kUnanalyzed = R"(
SELECT n.nspname, c.relname, c.relkind = 'p'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_all_tables AS s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND {}
AND s.last_analyze IS NULL AND s.last_autoanalyze IS NULL
AND (c.reltuples < 0 OR (has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid)
  AND NOT EXISTS (SELECT FROM pg_stats AS p WHERE p.schemaname = n.nspname AND p.tablename = c.relname)))
AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
AND CASE WHEN c.relkind = 'p'
  THEN EXISTS (SELECT FROM pg_inherits AS h JOIN pg_class AS l ON l.oid = h.inhrelid LEFT JOIN pg_stat_all_tables AS u
    ON u.relid = l.oid WHERE h.inhparent = c.oid AND (l.relpages > 0 OR u.n_live_tup > 0))
  ELSE c.relpages > 0 OR s.n_live_tup > 0 END
ORDER BY 1, 2)";

}  // namespace

std::vector<HealthFinding> find_table_findings(Session& session, const HealthScope& scope) {
  std::vector<HealthFinding> findings;
  const Rows rows = session.query(fmt::format(kUnanalyzed, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    HealthFinding finding;
    finding.code = "table.unanalyzed";
    finding.severity = Severity::kNotice;
    finding.relation = {rows.text(i, 0), rows.text(i, 1)};
    const bool partitioned = rows.boolean(i, 2);
    finding.message = fmt::format("{} {} was never analyzed", partitioned ? "partitioned table" : "table",
                                  finding.relation.display());
    finding.consequence =
        partitioned ? "Plans of queries over all its partitions rest on guesses."
                    : "Plans of queries over it rest on guesses, and so do the estimates of a plan of Falsework.";
    finding.hint = fmt::format("ANALYZE {};", finding.relation.sql());
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace falsework::pg
