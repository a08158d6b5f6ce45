// naive_sql (planner/declare/declare.h). Nothing of it is ever run by a plan, whose statements come from
// postgres/sql/ddl.h alone: it is what people would have written, for reviewers and for comparison.
#include <fmt/format.h>

#include "base/identifier.h"
#include "planner/declare/declare.h"
#include "planner/declare/values.h"

namespace falsework {

namespace {

std::string written(const QualifiedName& name) {
  return name.schema.empty() ? quote_identifier(name.name) : name.sql();
}

std::string action_sql(const RenameColumn& change) {
  return fmt::format("RENAME COLUMN {} TO {}", quote_identifier(change.from), quote_identifier(change.to));
}

std::string action_sql(const ChangeType& change) {
  std::string sql = fmt::format("ALTER COLUMN {} TYPE {}", quote_identifier(change.column), change.to);
  if (change.collation) sql += fmt::format(" COLLATE {}", written(*change.collation));
  if (change.up) sql += fmt::format(" USING {}", *change.up);
  return sql;
}

std::string action_sql(const SetNotNull& change) {
  return fmt::format("ALTER COLUMN {} SET NOT NULL", quote_identifier(change.column));
}

std::string action_sql(const AddForeignKey& change) {
  std::string sql = "ADD ";
  if (change.name) sql += fmt::format("CONSTRAINT {} ", quote_identifier(*change.name));
  sql += fmt::format("FOREIGN KEY ({}) REFERENCES {}", quote_identifiers(change.columns), written(change.references));
  if (!change.referenced_columns.empty()) sql += fmt::format(" ({})", quote_identifiers(change.referenced_columns));
  if (change.match == 'f') sql += " MATCH FULL";
  const auto clause = [&](std::string_view event, char letter) {
    if (letter == 'a') return;
    std::string action(declare::action_word(letter));
    for (char& c : action) c = c == ' ' ? c : static_cast<char>(c - 'a' + 'A');
    sql += fmt::format(" ON {} {}", event, action);
  };
  clause("DELETE", change.on_delete);
  if (!change.on_delete_columns.empty()) sql += fmt::format(" ({})", quote_identifiers(change.on_delete_columns));
  clause("UPDATE", change.on_update);
  if (change.deferrable) sql += " DEFERRABLE";
  if (change.initially_deferred) sql += " INITIALLY DEFERRED";
  return sql;
}

}  // namespace

std::string naive_sql(const Change& change) {
  return std::visit(
      [](const auto& action) { return fmt::format("ALTER TABLE {} {}", written(action.table), action_sql(action)); },
      change.action);
}

}  // namespace falsework
