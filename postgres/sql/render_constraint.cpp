#include <fmt/format.h>

#include "base/error.h"
#include "postgres/sql/render_ddl.h"

namespace falsework::pg {

namespace {

std::string add_constraint(const QualifiedName& table, const std::string& name, const std::string& definition) {
  return alter_table(table, fmt::format("ADD CONSTRAINT {} {}", quote_identifier(name), definition));
}

std::string deferral(bool deferrable, bool initially_deferred) {
  if (!deferrable) return {};
  return initially_deferred ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE";
}

// The letters of pg_constraint.confupdtype and confdeltype (PG docs, catalog-pg-constraint).
std::string referential_action(char letter) {
  switch (letter) {
    case 'a': return "NO ACTION";
    case 'r': return "RESTRICT";
    case 'c': return "CASCADE";
    case 'n': return "SET NULL";
    case 'd': return "SET DEFAULT";
    default: fail_check("a letter of a referential action", __FILE__, __LINE__);
  }
}

std::string match_clause(char letter) {
  switch (letter) {
    case 's': return {};
    case 'f': return " MATCH FULL";
    case 'p': return " MATCH PARTIAL";
    default: fail_check("a letter of a match type", __FILE__, __LINE__);
  }
}

std::string column_list(const std::vector<std::string>& columns) {
  return columns.empty() ? std::string() : fmt::format(" ({})", quote_identifiers(columns));
}

}  // namespace

std::string render_one(const AddCheck& ddl) {
  return add_constraint(ddl.table, ddl.name,
                        fmt::format("CHECK ({}){}{}", ddl.expression, ddl.no_inherit ? " NO INHERIT" : "",
                                    ddl.not_valid ? " NOT VALID" : ""));
}

std::string render_one(const AddNotNullConstraint& ddl) {
  return add_constraint(ddl.table, ddl.name,
                        fmt::format("NOT NULL {}{}", quote_identifier(ddl.column), ddl.not_valid ? " NOT VALID" : ""));
}

std::string render_one(const AddForeignKey& ddl) {
  std::string definition =
      fmt::format("FOREIGN KEY ({}) REFERENCES {}{}{}", quote_identifiers(ddl.columns), ddl.references.sql(),
                  column_list(ddl.referenced_columns), match_clause(ddl.match));
  if (ddl.on_update != 'a') definition += " ON UPDATE " + referential_action(ddl.on_update);
  if (ddl.on_delete != 'a') {
    definition += " ON DELETE " + referential_action(ddl.on_delete) + column_list(ddl.on_delete_columns);
  }
  definition += deferral(ddl.deferrable, ddl.initially_deferred);
  if (ddl.not_valid) definition += " NOT VALID";
  return add_constraint(ddl.table, ddl.name, definition);
}

std::string render_one(const AddUniqueUsingIndex& ddl) {
  return add_constraint(ddl.table, ddl.name,
                        fmt::format("{} USING INDEX {}{}", ddl.primary ? "PRIMARY KEY" : "UNIQUE",
                                    quote_identifier(ddl.index), deferral(ddl.deferrable, ddl.initially_deferred)));
}

std::string render_one(const ValidateConstraint& ddl) {
  return alter_table(ddl.table, fmt::format("VALIDATE CONSTRAINT {}", quote_identifier(ddl.name)));
}

std::string render_one(const DropConstraint& ddl) {
  return alter_table(ddl.table, fmt::format("DROP CONSTRAINT {}", quote_identifier(ddl.name)));
}

std::string render_one(const RenameConstraint& ddl) {
  return alter_table(ddl.table,
                     fmt::format("RENAME CONSTRAINT {} TO {}", quote_identifier(ddl.from), quote_identifier(ddl.to)));
}

}  // namespace falsework::pg
