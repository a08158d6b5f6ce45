#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "planner/names.h"
#include "planner/resolve/resolve.h"
#include "postgres/catalog/builtin_type.h"

namespace falsework {

namespace {

// A collation without a schema is one of the server's own; its "default" is what a type has without COLLATE.
std::optional<QualifiedName> resolve_collation(std::optional<QualifiedName> written) {
  if (written && written->schema.empty()) written->schema = "pg_catalog";
  if (written == QualifiedName{"pg_catalog", "default"}) return std::nullopt;
  return written;
}

// Where the name of a type ends and its modifiers or `[]` begin.
std::size_t end_of_name(const std::string& type) {
  bool quoted = false;
  for (std::size_t i = 0; i < type.size(); ++i) {
    if (type[i] == '"') quoted = !quoted;
    if (!quoted && (type[i] == '(' || type[i] == '[')) return i;
  }
  return type.size();
}

// A user's type gets the schema that the search_path gives it, as format_type would spell it; pg_catalog is searched
// first, as by the server.
std::string resolve_type(const Resolution& resolution, const std::string& written) {
  if (pg::is_builtin_type(written)) return written;
  const std::size_t end = end_of_name(written);
  const std::string base = written.substr(0, end);
  for (const std::string& schema : resolution.snapshot.search_path) {
    for (const QualifiedName& type : resolution.snapshot.types) {
      if (type.schema == schema && (quote_identifier(type.name) == base || type.name == base))
        return type.sql() + written.substr(end);
    }
  }
  for (const QualifiedName& type : resolution.snapshot.types) {
    if (type.sql() == base) return written;
  }
  // A table's row type bears the table's name.
  const auto& relations = resolution.snapshot.relation_names;
  if (std::find(relations.begin(), relations.end(), base) != relations.end()) return written;
  resolution.fail(errors::kObjectMissing, fmt::format("no type {}", base),
                  fmt::format("Check the name; schemas searched: pg_catalog, {}.",
                              fmt::join(resolution.snapshot.search_path, ", ")));
}

}  // namespace

void read(Resolution& resolution, const RenameColumn& change) {
  const pg::Table& table = find_table(resolution, change.table);
  ColumnDraft& draft = find_column(resolution, table, change.from);
  if (change.to == change.from) return;
  const bool taken = std::any_of(resolution.drafts.begin(), resolution.drafts.end(), [&](const ColumnDraft& other) {
    return other.table == &table && other.name == change.to;
  });
  if (table.column(change.to) != nullptr || taken) {
    resolution.fail(errors::kObjectExists,
                    fmt::format("column {} exists already", display_column(table.name, change.to)),
                    "Choose another name, or drop or rename the column that has it first.");
  }
  draft.name = change.to;
  draft.changes.push_back(resolution.index);
}

void read(Resolution& resolution, const ChangeType& change) {
  const pg::Table& table = find_table(resolution, change.table);
  ColumnDraft& draft = find_column(resolution, table, change.column);
  if (draft.type_declared) {
    resolution.fail(errors::kDeclarationInvalid,
                    fmt::format("the type of {} is changed twice", display_column(table.name, change.column)),
                    "Declare the type that it is to have in the end, once.");
  }
  draft.type_declared = true;
  draft.type = resolve_type(resolution, change.to);
  draft.collation = resolve_collation(change.collation);
  draft.up = change.up;
  draft.down = change.down;
  draft.up_name = change.column;
  draft.time_zone = change.time_zone.value_or("");
  draft.accept_loss = change.accept_loss;
  draft.where = resolution.where;
  draft.changes.push_back(resolution.index);
}

void read(Resolution& resolution, const SetNotNull& change) {
  const pg::Table& table = find_table(resolution, change.table);
  ColumnDraft& draft = find_column(resolution, table, change.column);
  if (draft.column->not_null) return;
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind != 'n' || constraint.columns != std::vector<std::string>{draft.column->name}) continue;
    resolution.fail(
        errors::kChangeRefused,
        fmt::format("{} has the not-null constraint {} already, which is not validated",
                    display_column(table.name, draft.column->name), constraint.name),
        "Run ALTER TABLE … VALIDATE CONSTRAINT: it reads the table beside reads and writes, and is all that is "
        "missing.");
  }
  draft.not_null_declared = true;
  draft.fill = change.fill;
  draft.where = resolution.where;
  draft.changes.push_back(resolution.index);
}

}  // namespace falsework
