// Objects that bear a name of ours (base/identifier.h, generated_name).
#include <fmt/format.h>

#include "postgres/health/health.h"

namespace falsework::pg {

namespace {

// Each with the number of its turn when all are removed: what depends on others first. A constraint's index goes with
// the constraint, a partition's with its parent's.
constexpr const char* kObjects = R"(
SELECT o.turn, o.kind, o.schema, o.relation, o.object, o.signature FROM (
  SELECT 1 AS turn, 'trigger' AS kind, n.nspname AS schema, c.relname AS relation, t.tgname AS object, '' AS signature
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {0}
  UNION ALL
  SELECT 2, 'function', n.nspname, p.proname, p.proname, pg_get_function_identity_arguments(p.oid)
  FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE p.prokind = 'f' AND {0}
  UNION ALL
  SELECT 3, 'view', n.nspname, c.relname, c.relname, ''
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND {0}
  UNION ALL
  SELECT 4, 'constraint', n.nspname, c.relname, k.conname, k.contype::text
  FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE k.conparentid = 0 AND {0}
  UNION ALL
  SELECT 5, 'index', n.nspname, c.relname, x.relname, x.relkind::text
  FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid JOIN pg_class AS c ON c.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE NOT x.relispartition AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = x.oid
    AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')) AND {0}
  UNION ALL
  SELECT 6, 'statistics', n.nspname, c.relname, s.stxname, ''
  FROM pg_statistic_ext AS s JOIN pg_class AS c ON c.oid = s.stxrelid JOIN pg_namespace AS n ON n.oid = s.stxnamespace
  WHERE {0}
  UNION ALL
  SELECT 7, 'column', n.nspname, c.relname, a.attname, ''
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped AND {0}
  UNION ALL
  SELECT 8, 'sequence', n.nspname, c.relname, c.relname, ''
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid
    AND d.classid = 'pg_class'::regclass AND d.deptype = 'i') AND {0}
  UNION ALL
  SELECT 9, 'table', n.nspname, c.relname, c.relname, ''
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND {0}
) AS o WHERE o.object ~ '^~?_fw_.*_[0-9a-f]{{10}}$' ORDER BY o.turn, o.schema, o.relation, o.object)";

// `ENABLE ALWAYS` is how ours are created; a partition's copy of a trigger is a trigger of its own.
constexpr const char* kSilenced = R"(
SELECT n.nspname, c.relname, t.tgname, t.tgenabled::text
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgname ~ '^~_fw_.*_[0-9a-f]{{10}}$' AND t.tgenabled <> 'A' AND {}
ORDER BY 1, 2, 3)";

bool starts_with(const std::string& text, std::string_view head) { return text.rfind(head, 0) == 0; }

struct Found {
  std::string kind, signature;
  QualifiedName relation;
  std::string object;
};

std::string consequence_of(const Found& found) {
  if (found.kind == "trigger") return "It runs for every row that is written, and may make writes fail.";
  if (found.kind == "column") return "It takes space in every row, and its values are no longer kept in agreement.";
  if (found.kind == "index") return "Every write of the table maintains it.";
  if (found.kind == "constraint") return "Writes that it forbids fail.";
  return "It is used by nothing of ours, and stands in the way of another run of the same change.";
}

// No statement where what is removed may hold the only copy of values: a column that was set aside, a sequence, a
// table; nor for what we do not make ourselves.
std::vector<std::string> statements_for(const Found& found) {
  const std::string table = found.relation.sql();
  const std::string object = quote_identifier(found.object);
  const std::string in_schema = QualifiedName{found.relation.schema, found.object}.sql();
  if (found.kind == "trigger") return {fmt::format("DROP TRIGGER {} ON {}", object, table)};
  if (found.kind == "function") return {fmt::format("DROP FUNCTION {}({})", in_schema, found.signature)};
  if (found.kind == "constraint") return {fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", table, object)};
  if (found.kind == "statistics") return {fmt::format("DROP STATISTICS {}", in_schema)};
  if (found.kind == "index" && found.signature == "i") return {fmt::format("DROP INDEX CONCURRENTLY {}", in_schema)};
  if (found.kind == "column" && starts_with(found.object, "_fw_new_")) {
    return {fmt::format("ALTER TABLE {} DROP COLUMN {}", table, object)};
  }
  return {};
}

HealthFinding finding_of(const Found& found) {
  const bool in_table = found.kind == "trigger" || found.kind == "constraint" || found.kind == "column" ||
                        found.kind == "index" || found.kind == "statistics";
  HealthFinding finding;
  finding.code = "leftover." + found.kind;
  finding.severity = found.kind == "trigger" || found.kind == "constraint" ? Severity::kError : Severity::kWarning;
  finding.relation = found.relation;
  finding.object = found.object;
  finding.message = fmt::format("{} {} {}was left by a run of Falsework", found.kind, quote_identifier(found.object),
                                in_table ? "of " + found.relation.display() + " " : "");
  finding.consequence = consequence_of(found);
  finding.ours = true;
  finding.fix = statements_for(found);
  finding.fix_alone = found.kind == "index";
  finding.fix_locks = found.kind == "trigger" || found.kind == "constraint" || found.kind == "column";
  finding.hint = finding.fix.empty() ? "See whether anything in it is still needed, then remove it by hand."
                                     : "Remove it with: falsework check --fix.";
  return finding;
}

}  // namespace

std::vector<HealthFinding> find_objects_of_ours(Session& session, const HealthScope& scope) {
  std::vector<HealthFinding> findings;
  const Rows rows = session.query(fmt::format(kObjects, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    findings.push_back(
        finding_of({rows.text(i, 1), rows.text(i, 5), {rows.text(i, 2), rows.text(i, 3)}, rows.text(i, 4)}));
  }
  return findings;
}

std::vector<HealthFinding> find_silenced_triggers(Session& session, const HealthScope& scope) {
  std::vector<HealthFinding> findings;
  const Rows rows = session.query(fmt::format(kSilenced, kInScope), {schema_parameter(scope)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    HealthFinding finding;
    finding.code = "trigger.disabled";
    finding.severity = Severity::kError;
    finding.relation = {rows.text(i, 0), rows.text(i, 1)};
    finding.object = rows.text(i, 2);
    const std::string& how = rows.text(i, 3);
    finding.message = fmt::format("trigger {} of {} {}", quote_identifier(finding.object), finding.relation.display(),
                                  how == "D"   ? "is disabled"
                                  : how == "R" ? "fires for replicated writes alone"
                                               : "does not fire always");
    finding.consequence =
        "Rows that are written meanwhile are not kept in agreement between the old and the new shape.";
    finding.hint = fmt::format("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}; the proof before contract finds such rows.",
                               finding.relation.sql(), quote_identifier(finding.object));
    finding.ours = true;
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace falsework::pg
