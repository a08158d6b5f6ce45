#include <fmt/format.h>

#include "postgres/sql/render_ddl.h"

namespace falsework::pg {

namespace {

std::string alter_column(const QualifiedName& table, const std::string& column, const std::string& action) {
  return alter_table(table, fmt::format("ALTER COLUMN {} {}", quote_identifier(column), action));
}

std::string collate(const std::optional<QualifiedName>& collation) {
  return collation ? " COLLATE " + collation->sql() : std::string();
}

}  // namespace

std::string render_one(const AddColumn& ddl) {
  return alter_table(ddl.table, fmt::format("ADD COLUMN {} {}{}{}", quote_identifier(ddl.column), ddl.type,
                                            collate(ddl.collation), ddl.value ? " DEFAULT " + *ddl.value : ""));
}

std::string render_one(const DropColumn& ddl) {
  return alter_table(ddl.table, fmt::format("DROP COLUMN {}", quote_identifier(ddl.column)));
}

std::string render_one(const RenameColumn& ddl) {
  return alter_table(ddl.table,
                     fmt::format("RENAME COLUMN {} TO {}", quote_identifier(ddl.from), quote_identifier(ddl.to)));
}

std::string render_one(const AlterColumnType& ddl) {
  return alter_column(ddl.table, ddl.column, fmt::format("TYPE {}{}", ddl.type, collate(ddl.collation)));
}

std::string render_one(const SetDefault& ddl) {
  return alter_column(ddl.table, ddl.column, fmt::format("SET DEFAULT {}", ddl.expression));
}

std::string render_one(const DropDefault& ddl) { return alter_column(ddl.table, ddl.column, "DROP DEFAULT"); }

std::string render_one(const SetNotNull& ddl) { return alter_column(ddl.table, ddl.column, "SET NOT NULL"); }

std::string render_one(const DropNotNull& ddl) { return alter_column(ddl.table, ddl.column, "DROP NOT NULL"); }

std::string render_one(const SetStorage& ddl) {
  return alter_column(ddl.table, ddl.column, fmt::format("SET STORAGE {}", quote_identifier(ddl.storage)));
}

std::string render_one(const SetCompression& ddl) {
  return alter_column(
      ddl.table, ddl.column,
      fmt::format("SET COMPRESSION {}", ddl.method == "default" ? "DEFAULT" : quote_identifier(ddl.method)));
}

std::string render_one(const SetStatisticsTarget& ddl) {
  return alter_column(ddl.table, ddl.column, fmt::format("SET STATISTICS {}", ddl.target));
}

std::string render_one(const SetColumnOptions& ddl) {
  return alter_column(ddl.table, ddl.column, "SET " + render_storage_options(ddl.options));
}

std::string render_one(const AddIdentity& ddl) {
  const std::string options = ddl.sequence_options.empty() ? "" : fmt::format(" ({})", ddl.sequence_options);
  return alter_column(
      ddl.table, ddl.column,
      fmt::format("ADD GENERATED {} AS IDENTITY{}", ddl.kind == 'a' ? "ALWAYS" : "BY DEFAULT", options));
}

std::string render_one(const DropIdentity& ddl) { return alter_column(ddl.table, ddl.column, "DROP IDENTITY"); }

}  // namespace falsework::pg
