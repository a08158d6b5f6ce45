// Archives and the way back from them. The order of writes of the old shape is kept in the archive's comment.
#include <fmt/format.h>

#include "base/error.h"
#include "postgres/sql/render_ddl.h"

namespace falsework::pg {

namespace {

constexpr const char* kNewValue = "new_value";

// For format(), which reads `%` as the start of a place.
std::string format_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    escaped += c;
    if (c == '%') escaped += c;
  }
  return escaped;
}

// Text that says what the archive is and how often the old shape had been written.
std::string mark(const std::string& comment, const QualifiedName& counter) {
  return fmt::format("(SELECT pg_catalog.format({}, last_value, is_called) FROM {})",
                     quote_literal(format_text(comment) + " (old writes: %s, %s)"), counter.sql());
}

std::string parameter(std::size_t index) { return "key_" + std::to_string(index + 1); }

}  // namespace

std::vector<std::string> render_one(const CreateArchive& ddl) {
  return {fmt::format("CREATE TABLE {} AS SELECT {} FROM ONLY {} WITH NO DATA", ddl.archive.sql(),
                      quote_identifiers(ddl.columns), ddl.table.sql()),
          fmt::format("REVOKE ALL ON TABLE {} FROM PUBLIC", ddl.archive.sql()),
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
             quote_literal(fmt::format("the old shape of {} was written after it was archived", ddl.table.display())),
             quote_literal("Stop that writer, undo the step that begins the archive, and advance again.")));
}

std::string render_one(const DropArchive& ddl) { return fmt::format("DROP TABLE {}", ddl.archive.sql()); }

std::string render_one(const CreateArchiveLookup& ddl) {
  FALSEWORK_CHECK(ddl.key.size() == ddl.key_types.size());
  std::string parameters, match;
  for (std::size_t i = 0; i < ddl.key.size(); ++i) {
    parameters += fmt::format("{} {}, ", parameter(i), ddl.key_types[i]);
    match += fmt::format("a.{} OPERATOR(pg_catalog.=) ${} AND ", quote_identifier(ddl.key[i]), i + 1);
  }
  parameters += fmt::format("{} {}", kNewValue, ddl.new_type);
  const std::string zone =
      ddl.time_zone.empty() ? "" : fmt::format(" SET timezone TO {}", quote_literal(ddl.time_zone));
  const std::string body = fmt::format(
      "DECLARE\n  archived {0};\nBEGIN\n  SELECT a.{1} INTO archived FROM {2} AS a WHERE {3}"
      "NOT pg_catalog.record_image_ne(ROW(a.{4}), ROW(${5}));\n"
      "  IF NOT FOUND THEN\n    archived := {6};\n  END IF;\n  RETURN archived;\nEND",
      ddl.old_type, quote_identifier(ddl.old_column), ddl.archive.sql(), match, quote_identifier(ddl.new_column),
      ddl.key.size() + 1, ddl.otherwise);
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
