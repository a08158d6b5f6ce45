// Indexes that cannot be used, and those that another one makes superfluous.
#include <fmt/format.h>

#include "postgres/health/health.h"

namespace falsework::pg {

namespace {

// One that is being built is not meant: its table is locked by a backend that reports a build. Which index that
// backend builds is hidden from roles without pg_read_all_stats; that it builds one is not.
constexpr const char* kInvalid = R"(
SELECT n.nspname, c.relname, x.relname, x.relkind = 'I', i.indisready, i.indisunique
FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = x.relnamespace
WHERE NOT (i.indisvalid AND i.indisready AND i.indislive) AND {}
AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p JOIN pg_locks AS l ON l.pid = p.pid
  WHERE coalesce(p.index_relid = i.indexrelid, true) AND l.locktype = 'relation' AND l.granted
  AND l.relation = i.indrelid AND l.mode = 'ShareUpdateExclusiveLock'
  AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()))
ORDER BY 1, 2, 3)";

// `kept` does all that `spare` does. Of two that are alike, the younger is the spare one. Nothing that carries a
// constraint, a replica identity or a clustering is spare.
constexpr const char* kSpare = R"(
WITH usable AS (
  SELECT i.*, n.nspname AS schema, c.relname AS relation, x.relname AS index, x.relam AS am,
    coalesce(pg_get_expr(i.indexprs, i.indrelid), '') AS exprs, coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS pred,
    coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') AS nulls,
    i.indisprimary OR i.indisexclusion OR i.indisreplident OR i.indisclustered
      OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid) AS bound,
    x.relpages::bigint * current_setting('block_size')::bigint AS bytes
  FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE i.indisvalid AND i.indisready AND NOT x.relispartition AND {0}
), pairs AS (
  SELECT s.schema, s.relation, s.index AS spare, k.index AS kept, s.bytes, s.indexrelid AS spare_oid,
    s.indkey::text = k.indkey::text AND s.indnkeyatts = k.indnkeyatts AS alike
  FROM usable AS s JOIN usable AS k ON k.indrelid = s.indrelid AND k.indexrelid <> s.indexrelid AND k.am = s.am
    AND k.pred = s.pred AND k.exprs = s.exprs
  WHERE NOT s.bound AND (
    (s.indkey::text = k.indkey::text AND s.indnkeyatts = k.indnkeyatts AND s.indclass::text = k.indclass::text
     AND s.indcollation::text = k.indcollation::text AND s.indoption::text = k.indoption::text
     AND (NOT s.indisunique OR (k.indisunique AND k.indimmediate AND k.nulls = s.nulls))
     AND (k.bound OR (k.indisunique AND NOT s.indisunique) OR k.indexrelid < s.indexrelid))
    OR
    (NOT s.indisunique AND s.exprs = '' AND s.indnatts = s.indnkeyatts AND s.indnatts <= k.indnkeyatts
     AND s.indkey::text <> k.indkey::text AND s.am = (SELECT a.oid FROM pg_am AS a WHERE a.amname = 'btree')
     AND k.indkey::text || ' ' LIKE s.indkey::text || ' %' AND k.indclass::text || ' ' LIKE s.indclass::text || ' %'
     AND k.indcollation::text || ' ' LIKE s.indcollation::text || ' %'
     AND k.indoption::text || ' ' LIKE s.indoption::text || ' %'))
)
SELECT DISTINCT ON (schema, relation, spare) schema, relation, spare, kept, pg_size_pretty(bytes), alike
FROM pairs ORDER BY schema, relation, spare, alike DESC, kept)";

HealthFinding invalid_index(const Rows& rows, std::size_t i) {
  HealthFinding finding;
  finding.code = "index.invalid";
  finding.severity = Severity::kError;
  finding.relation = {rows.text(i, 0), rows.text(i, 1)};
  finding.object = rows.text(i, 2);
  const bool partitioned = rows.boolean(i, 3);
  const bool maintained = rows.boolean(i, 4);
  const std::string index = QualifiedName{rows.text(i, 0), finding.object}.sql();
  finding.message =
      fmt::format("index {} of {} is invalid", quote_identifier(finding.object), finding.relation.display());
  finding.consequence =
      partitioned ? "It is not complete until every partition has an index that is attached to it."
                  : fmt::format("No query uses it{}{}.", maintained ? ", and every write maintains it" : "",
                                rows.boolean(i, 5) && maintained ? " and may fail for a duplicate in it" : "");
  finding.hint = partitioned ? fmt::format("Attach the missing ones with: ALTER INDEX {} ATTACH PARTITION …;", index)
                             : fmt::format(
                                   "Build it again with: REINDEX INDEX CONCURRENTLY {}; or drop it with: DROP "
                                   "INDEX CONCURRENTLY {};",
                                   index, index);
  return finding;
}

HealthFinding spare_index(const Rows& rows, std::size_t i) {
  const bool alike = rows.boolean(i, 5);
  HealthFinding finding;
  finding.code = alike ? "index.duplicate" : "index.prefix";
  finding.severity = alike ? Severity::kWarning : Severity::kNotice;
  finding.relation = {rows.text(i, 0), rows.text(i, 1)};
  finding.object = rows.text(i, 2);
  finding.message =
      fmt::format("index {} of {} {} {}", quote_identifier(finding.object), finding.relation.display(),
                  alike ? "does no more than" : "has the leading columns of", quote_identifier(rows.text(i, 3)));
  finding.consequence = fmt::format("It takes {} and is maintained by every write.", rows.text(i, 4));
  finding.hint = fmt::format("{}DROP INDEX CONCURRENTLY {};", alike ? "" : "Unless it is kept for being smaller: ",
                             QualifiedName{rows.text(i, 0), finding.object}.sql());
  return finding;
}

}  // namespace

std::vector<HealthFinding> find_index_findings(Session& session, const HealthScope& scope) {
  std::vector<HealthFinding> findings;
  const Rows invalid = session.query(fmt::format(kInvalid, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < invalid.size(); ++i) findings.push_back(invalid_index(invalid, i));
  const Rows spare = session.query(fmt::format(kSpare, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < spare.size(); ++i) findings.push_back(spare_index(spare, i));
  return findings;
}

}  // namespace falsework::pg
