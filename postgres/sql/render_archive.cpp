// Archives and the way back from them. The order of writes of the old shape is kept in the archive's comment.
#include <fmt/format.h>

#include "postgres/sql/render_ddl.h"

namespace falsework::pg {

namespace {

constexpr const char* kNewValue = "new_value";
constexpr const char* kGivenValue = "given_value";

// For format(), which reads `%` as the start of a place.
std::string format_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c;
    if (c == '%') escaped += c;
  }
  return escaped;
}

// Text that says what the archive is, and how often the old shape had been written by which counter: one that was made
// anew under the same name has counted nothing of what the first one did.
std::string mark(const std::string& comment, const QualifiedName& counter) {
  return fmt::format("(SELECT pg_catalog.format({}, last_value, is_called, tableoid) FROM {})",
                     quote_literal(format_text(comment) + " (old writes: %s, %s, counter %s)"), counter.sql());
}

// Default privileges of the role grant on every table that it makes (PG docs, sql-alterdefaultprivileges); what an
// archive holds, these grantees may not have been allowed to read in the table.
std::string revoke_from_grantees(const QualifiedName& archive) {
  return "DO " +
         dollar_quote(fmt::format(
             "\nDECLARE\n  grantee pg_catalog.text;\nBEGIN\n  FOR grantee IN SELECT DISTINCT CASE WHEN a.grantee "
             "OPERATOR(pg_catalog.=) 0::pg_catalog.oid THEN 'PUBLIC' ELSE "
             "pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END FROM pg_catalog.pg_class AS c, LATERAL "
             "pg_catalog.aclexplode(c.relacl) AS a WHERE c.oid OPERATOR(pg_catalog.=) "
             "{}::pg_catalog.regclass::pg_catalog.oid AND a.grantee OPERATOR(pg_catalog.<>) c.relowner\n  LOOP\n    "
             "EXECUTE pg_catalog.format({}, grantee);\n  END LOOP;\nEND\n",
             quote_literal(archive.sql()),
             quote_literal(fmt::format("REVOKE ALL ON TABLE {} FROM %s", format_text(archive.sql())))));
}

std::string parameter(std::size_t index) { return "key_" + std::to_string(index + 1); }

std::string collated(const std::string& expression, const std::optional<QualifiedName>& collation) {
  return collation ? fmt::format("({} COLLATE {})", expression, collation->sql()) : expression;
}

}  // namespace

std::vector<std::string> render_one(const CreateArchive& ddl) {
  return {fmt::format("CREATE TABLE {} AS SELECT {} FROM ONLY {} WITH NO DATA", ddl.archive.sql(),
                      quote_identifiers(ddl.columns), ddl.table.sql()),
          fmt::format("REVOKE ALL ON TABLE {} FROM PUBLIC", ddl.archive.sql()), revoke_from_grantees(ddl.archive),
          alter_table(ddl.archive, fmt::format("ADD PRIMARY KEY ({})", quote_identifiers(ddl.key))),
          "DO " + dollar_quote(fmt::format(
                      "\nBEGIN\n  EXECUTE pg_catalog.format({}, {});\nEND\n",
                      quote_literal(fmt::format("COMMENT ON TABLE {} IS %L", format_text(ddl.archive.sql()))),
                      mark(ddl.comment, ddl.counter)))};
}

std::string render_one(const FillArchive& ddl) {
  const std::string columns = quote_identifiers(ddl.columns);
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM ONLY {}", ddl.archive.sql(), columns, columns,
                     ddl.table.sql());
}

std::string render_one(const RequireFreshArchive& ddl) {
  return "DO " +
         dollar_quote(fmt::format(
             "\nBEGIN\n  IF COALESCE(pg_catalog.obj_description(pg_catalog.to_regclass({0}), 'pg_class'), '') "
             "OPERATOR(pg_catalog.<>) {1} THEN\n    RAISE EXCEPTION USING MESSAGE = {2}, HINT = {3};\n  END IF;\nEND\n",
             quote_literal(ddl.archive.sql()), mark(ddl.comment, ddl.counter),
             quote_literal(
                 fmt::format("the old shape of {} was written after it was archived, or its counter was made anew",
                             ddl.table.display())),
             quote_literal("Stop that writer, undo the step that begins the archive, and advance again.")));
}

std::string render_one(const DropArchive& ddl) { return fmt::format("DROP TABLE {}", ddl.archive.sql()); }

// A parameter has the collation that the call's arguments have together (PG docs, plpgsql-declarations): keys are
// compared in their own instead, and `otherwise` reads its value from a variable that has that of the new column.
std::string render_one(const CreateArchiveLookup& ddl) {
  std::string parameters, match;
  for (std::size_t i = 0; i < ddl.key.size(); ++i) {
    parameters += fmt::format("{} {}, ", parameter(i), ddl.key[i].type);
    match += fmt::format("a.{} OPERATOR(pg_catalog.=) {} AND ", quote_identifier(ddl.key[i].column),
                         collated(fmt::format("${}", i + 1), ddl.key[i].collation));
  }
  const std::string value = fmt::format("${}", ddl.key.size() + 1);
  parameters += fmt::format("{} {}", ddl.new_variable.empty() ? kNewValue : kGivenValue, ddl.new_type);
  const std::string variable =
      ddl.new_variable.empty() ? "" : fmt::format("  {} {} := {};\n", kNewValue, ddl.new_variable, value);
  const std::string zone =
      ddl.time_zone.empty() ? "" : fmt::format(" SET timezone TO {}", quote_literal(ddl.time_zone));
  const std::string body = fmt::format(
      "DECLARE\n{0}  archived {1};\nBEGIN\n  SELECT a.{2} INTO archived FROM {3} AS a WHERE {4}"
      "NOT pg_catalog.record_image_ne(ROW(a.{5}), ROW({6}));\n"
      "  IF NOT FOUND THEN\n    archived := {7};\n  END IF;\n  RETURN archived;\nEND",
      variable, ddl.old_type, quote_identifier(ddl.old_column), ddl.archive.sql(), match,
      quote_identifier(ddl.new_column), value, ddl.otherwise);
  return fmt::format("CREATE FUNCTION {}({}) RETURNS {} LANGUAGE plpgsql STABLE SECURITY INVOKER{} AS {}",
                     ddl.function.sql(), parameters, ddl.old_type, zone, dollar_quote(body));
}

std::string render_one(const DropArchiveLookup& ddl) { return fmt::format("DROP FUNCTION {}", ddl.function.sql()); }

std::string render_one(const RestoreColumns& ddl) {
  std::string actions;
  for (const RestoredColumn& column : ddl.columns) {
    actions += fmt::format("{}ALTER COLUMN {} TYPE {}{} USING {}", actions.empty() ? "" : ", ",
                           quote_identifier(column.column), column.type,
                           column.collation ? " COLLATE " + column.collation->sql() : "", column.expression);
  }
  return alter_table(ddl.table, actions);
}

}  // namespace falsework::pg
