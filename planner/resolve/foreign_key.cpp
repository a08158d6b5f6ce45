#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "planner/names.h"
#include "planner/resolve/resolve.h"

namespace falsework {

namespace {

std::vector<std::string> current_names(const Resolution& resolution, const pg::Table& table,
                                       const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    std::string name = column;
    for (const ColumnDraft& draft : resolution.drafts) {
      if (draft.table == &table && draft.column->name == column) name = draft.name;
    }
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> old_names(Resolution& resolution, const pg::Table& table,
                                   const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const std::string& column : columns) names.push_back(find_column(resolution, table, column).column->name);
  return names;
}

void require_unique(Resolution& resolution, const pg::Table& table, const std::vector<std::string>& columns) {
  std::vector<std::string> wanted = old_names(resolution, table, columns);
  std::sort(wanted.begin(), wanted.end());
  for (const pg::Index& index : table.indexes) {
    if (!index.unique || !index.valid || !index.immediate || index.predicate) continue;
    std::vector<std::string> key;
    for (const pg::IndexColumn& column : index.key) key.push_back(column.column.value_or(""));
    std::sort(key.begin(), key.end());
    if (key == wanted) return;
  }
  resolution.fail(
      errors::kChangeRefused,
      fmt::format("there is no unique constraint on {} ({})", table.name.display(), fmt::join(columns, ", ")),
      "Add one first: a foreign key needs a unique key to reference.");
}

}  // namespace

void read(Resolution& resolution, const AddForeignKey& change) {
  ForeignKeyWork work;
  work.change = change;
  const pg::Table& table = find_table(resolution, change.table);
  const pg::Table& references = find_table(resolution, change.references);
  work.table = table.name;
  work.references = references.name;
  for (const std::string& column : change.columns) static_cast<void>(find_column(resolution, table, column));
  if (work.change.referenced_columns.empty()) {
    for (const pg::Constraint& constraint : references.constraints) {
      if (constraint.kind == 'p')
        work.change.referenced_columns = current_names(resolution, references, constraint.columns);
    }
    if (work.change.referenced_columns.empty()) {
      resolution.fail(errors::kObjectMissing,
                      fmt::format("{} has no primary key to reference", references.name.display()),
                      "Name the referenced columns.");
    }
  }
  for (const std::string& column : work.change.referenced_columns)
    static_cast<void>(find_column(resolution, references, column));
  if (work.change.columns.size() != work.change.referenced_columns.size()) {
    resolution.fail(errors::kDeclarationInvalid,
                    fmt::format("the foreign key has {} columns and references {}", work.change.columns.size(),
                                work.change.referenced_columns.size()),
                    "Give as many referenced columns as referencing ones.");
  }
  require_unique(resolution, references, work.change.referenced_columns);
  if (!change.on_delete_columns.empty() && resolution.snapshot.server_major() < 15) {
    resolution.fail(
        errors::kChangeRefused,
        fmt::format("PostgreSQL {} cannot set only some of the columns on delete", resolution.snapshot.server_major()),
        "Leave the list out, or use PostgreSQL 15 or newer.");
  }
  work.name = change.name.value_or(default_foreign_key_name(table, change.columns));
  if (table.constraint(work.name) != nullptr) {
    resolution.fail(
        errors::kObjectExists,
        fmt::format("constraint {} of {} exists already", quote_identifier(work.name), table.name.display()),
        "Give the foreign key another name.");
  }
  resolution.work.foreign_keys.push_back(std::move(work));
}

}  // namespace falsework
