// Constraints that nobody has proven, and foreign keys whose checks read whole tables.
#include <fmt/format.h>

#include "postgres/health/health.h"

namespace falsework::pg {

namespace {

// A constraint that is not enforced (PG 18) claims nothing that could be proven. Of a domain, the relation is its name.
constexpr const char* kUnvalidated = R"(
SELECT n.nspname, coalesce(c.relname, t.typname), k.conname, k.contype::text, c.oid IS NULL
FROM pg_constraint AS k LEFT JOIN pg_class AS c ON c.oid = k.conrelid LEFT JOIN pg_type AS t ON t.oid = k.contypid
JOIN pg_namespace AS n ON n.oid = coalesce(c.relnamespace, t.typnamespace)
WHERE NOT k.convalidated AND k.conparentid = 0 AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AND {}
ORDER BY 1, 2, 3)";

// The check of a DELETE or of a key's UPDATE looks for `column = $1`: an index serves it whose leading columns are
// those of the key, in any order; a partial one, where it leaves out nothing but nulls.
constexpr const char* kUnindexed = R"(
SELECT n.nspname, c.relname, k.conname, f.oid::regclass::text,
  (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place) FROM unnest(k.conkey) WITH ORDINALITY AS u (num, place)
   JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.num)
FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND {}
AND NOT EXISTS (SELECT FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_am AS m ON m.oid = x.relam
  WHERE i.indrelid = k.conrelid AND i.indisvalid AND m.amname IN ('btree', 'hash')
  AND (i.indkey::int2[])[0:array_length(k.conkey, 1) - 1] @> k.conkey
  AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = ANY (SELECT format('(%I IS NOT NULL)', a.attname)
    FROM pg_attribute AS a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))))
ORDER BY 1, 2, 3)";

HealthFinding unvalidated(const Rows& rows, std::size_t i) {
  HealthFinding finding;
  finding.code = "constraint.unvalidated";
  finding.severity = Severity::kWarning;
  finding.relation = {rows.text(i, 0), rows.text(i, 1)};
  finding.object = rows.text(i, 2);
  const bool foreign_key = rows.text(i, 3) == "f";
  const bool domain = rows.boolean(i, 4);
  finding.message = fmt::format("{} {} of {} was never validated", foreign_key ? "foreign key" : "constraint",
                                quote_identifier(finding.object), finding.relation.display());
  finding.consequence = "Rows from before it may violate it, and an update of such a row fails.";
  finding.hint = fmt::format("ALTER {} {} VALIDATE CONSTRAINT {};", domain ? "DOMAIN" : "TABLE", finding.relation.sql(),
                             quote_identifier(finding.object));
  return finding;
}

HealthFinding unindexed(const Rows& rows, std::size_t i) {
  HealthFinding finding;
  finding.code = "foreign_key.unindexed";
  finding.severity = Severity::kWarning;
  finding.relation = {rows.text(i, 0), rows.text(i, 1)};
  finding.object = rows.text(i, 2);
  finding.message = fmt::format("foreign key {} of {} has no index on ({})", quote_identifier(finding.object),
                                finding.relation.display(), rows.text(i, 4));
  finding.consequence = fmt::format("Each DELETE of a row of {}, and each UPDATE of its key, reads all of {}.",
                                    rows.text(i, 3), finding.relation.display());
  finding.hint = fmt::format("CREATE INDEX CONCURRENTLY ON {} ({});", finding.relation.sql(), rows.text(i, 4));
  return finding;
}

}  // namespace

std::vector<HealthFinding> find_constraint_findings(Session& session, const HealthScope& scope) {
  std::vector<HealthFinding> findings;
  const Rows open = session.query(fmt::format(kUnvalidated, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < open.size(); ++i) findings.push_back(unvalidated(open, i));
  const Rows bare = session.query(fmt::format(kUnindexed, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < bare.size(); ++i) findings.push_back(unindexed(bare, i));
  return findings;
}

}  // namespace falsework::pg
