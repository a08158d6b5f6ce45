#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "planner/rewrites/rewrites.h"
#include "planner/side_effects.h"
#include "postgres/sql/syntax.h"

namespace falsework {
namespace {

// The server checks every row again for a CHECK that mentions the column, under the strongest lock. So it is dropped
// and added NOT VALID in the same transaction, and validated beside the traffic.
std::vector<pg::Ddl> change(const Draft& draft, const pg::Table& table, const InPlaceType& type, bool back) {
  const std::string& column = type.column->name;
  std::vector<QualifiedName> locked = key_partners(*draft.work.snapshot, table, column);
  locked.push_back(table.name);
  std::sort(locked.begin(), locked.end());
  locked.erase(std::unique(locked.begin(), locked.end()), locked.end());
  std::vector<pg::Ddl> ddl{pg::LockTables{locked, pg::LockMode::kAccessExclusive}};
  const auto checks = rechecked(table, column);
  for (const pg::Constraint* check : checks) ddl.push_back(pg::DropConstraint{table.name, check->name, std::nullopt});
  if (back) {
    ddl.push_back(pg::AlterColumnType{table.name, column, type.column->type.name, type.column->collation, true, true});
    if (type.column->storage != type.column->type_storage) {
      ddl.push_back(pg::SetStorage{table.name, column, type.column->storage});
    }
    if (!type.column->compression.empty())
      ddl.push_back(pg::SetCompression{table.name, column, type.column->compression});
  } else {
    ddl.push_back(pg::AlterColumnType{table.name, column, type.type, type.collation, false, false});
  }
  for (const pg::Constraint* check : checks) {
    ddl.push_back(pg::AddCheck{table.name, check->name, pg::rewrite_check(check->definition, {}), check->no_inherit,
                               back ? !check->validated : true});
    if (check->comment) {
      ddl.push_back(pg::Comment{fmt::format("CONSTRAINT {} ON {}", quote_identifier(check->name), table.name.sql()),
                                check->comment, table.name});
    }
  }
  return ddl;
}

}  // namespace

void change_types_in_place(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  for (const InPlaceType& type : work.types) {
    const std::string name = display_column(table.name, type.column->name);
    Step step = statement_step(draft, name + "/expand/type", Phase::kExpand,
                               fmt::format("Change the type of {} to {}", name, type.type),
                               "The server keeps the table's file, so the lock is held for a moment only.",
                               change(draft, table, type, false), change(draft, table, type, true));
    step.done_when = column_has_type(table.name, type.column->name, type.type);
    step.undo_note = fmt::format(
        "Going back to {} rewrites the table under a lock that blocks everyone, and fails while a value does not fit.",
        type.column->type.name);
    const std::string id = draft.add(std::move(step)).id;
    for (const pg::Constraint* check : rechecked(table, type.column->name)) {
      if (!check->validated) continue;
      Step validate = statement_step(
          draft, fmt::format("{}.{}/validate/validate", table.name.display(), quote_identifier(check->name)),
          Phase::kValidate, fmt::format("Validate {} again", check->name), "The scan runs beside reads and writes.",
          {pg::ValidateConstraint{table.name, check->name, std::nullopt}}, std::vector<pg::Ddl>{});
      validate.needs = {id};
      validate.done_when = constraint_valid(table.name, check->name);
      draft.add(std::move(validate));
    }
  }
}

}  // namespace falsework
