#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "planner/rewrites/rewrites.h"
#include "planner/side_effects.h"

namespace falsework {
namespace {

constexpr int kNativeNotNullMajor = 18;

std::int64_t row_estimate(const pg::Table& table) { return static_cast<std::int64_t>(std::max(0.0, table.rows)); }

}  // namespace

std::string validate_gate(Draft& draft) {
  return add_gate(draft, Phase::kValidate, "switch", "Wait until no running release violates the new constraints",
                  "A NOT VALID constraint rejects new violations at once: the old release would see errors.");
}

std::string prove_not_null(Draft& draft, const pg::Table& table, const std::string& column,
                           const std::string& id_prefix, const std::string& constraint,
                           const std::vector<std::string>& needs) {
  const pg::LockTables lock{{table.name}, pg::LockMode::kAccessExclusive};
  const bool native = draft.server_major() >= kNativeNotNullMajor;
  const pg::Ddl add_ddl =
      native ? pg::Ddl{pg::AddNotNullConstraint{table.name, constraint, column, true}}
             : pg::Ddl{pg::AddCheck{table.name, constraint, quote_identifier(column) + " IS NOT NULL", false, true}};
  Step add =
      statement_step(draft, id_prefix + "/validate/not_null", Phase::kValidate,
                     fmt::format("Begin to require {} for new rows", id_prefix),
                     "NOT VALID takes a moment: rows that exist are looked at in a step of its own.", {lock, add_ddl},
                     std::vector<pg::Ddl>{lock, pg::DropConstraint{table.name, constraint, std::nullopt}});
  add.needs = needs;
  add.done_when = constraint_exists(table.name, constraint);
  const std::string add_id = draft.add(std::move(add)).id;

  Step validate = statement_step(
      draft, id_prefix + "/validate/not_null_valid", Phase::kValidate,
      fmt::format("Prove that {} is null in no row", id_prefix), "The scan runs beside reads and writes.",
      {pg::ValidateConstraint{table.name, constraint, std::nullopt}}, std::vector<pg::Ddl>{});
  validate.needs = {add_id};
  validate.done_when = constraint_valid(table.name, constraint);
  validate.estimate.rows = row_estimate(table);
  const std::string validate_id = draft.add(std::move(validate)).id;
  if (native) return validate_id;

  Step set = statement_step(
      draft, id_prefix + "/validate/set_not_null", Phase::kValidate, fmt::format("Set {} NOT NULL", id_prefix),
      "The validated constraint proves it, so the server does not scan; then the constraint has done "
      "its work.",
      {lock, pg::SetNotNull{table.name, column, false}, pg::DropConstraint{table.name, constraint, std::nullopt}},
      std::vector<pg::Ddl>{lock, add_ddl, pg::DropNotNull{table.name, column}});
  set.needs = {validate_id};
  set.undo_with = {add_id, validate_id};
  set.done_when = column_not_null(table.name, column);
  return draft.add(std::move(set)).id;
}

void set_not_null(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  for (const NotNullWork& not_null : work.not_nulls) {
    const std::string& column = not_null.column->name;
    const std::string name = display_column(table.name, column);
    const pg::LockTables lock{{table.name}, pg::LockMode::kAccessExclusive};
    if (!not_null.filled && is_proven_not_null(table, column) && draft.server_major() < kNativeNotNullMajor) {
      Step step =
          statement_step(draft, name + "/validate/set_not_null", Phase::kValidate, fmt::format("Set {} NOT NULL", name),
                         "A valid check constraint proves it already, so the server does not scan.",
                         {lock, pg::SetNotNull{table.name, column, false}},
                         std::vector<pg::Ddl>{lock, pg::DropNotNull{table.name, column}});
      step.done_when = column_not_null(table.name, column);
      draft.add(std::move(step));
      continue;
    }
    std::vector<std::string> needs;
    if (not_null.filled) {
      needs = {draft.copied.at(table.name)};
    } else {
      needs = {validate_gate(draft)};
      Step check = range_check(name + "/validate/nulls", Phase::kValidate, table, quote_identifier(column) + " IS NULL",
                               fmt::format("cannot set {} NOT NULL: {{count}} rows are null", name),
                               "Give \"fill\" in the declaration, or fill the column first: {samples}.");
      check.title = fmt::format("Count the NULLs of {}", name);
      check.why = "A NULL that is found now costs nothing; one that is found by the constraint fails a client.";
      check.needs = needs;
      needs = {draft.add(std::move(check)).id};
    }
    const std::string constraint = draft.server_major() >= kNativeNotNullMajor
                                       ? default_not_null_name(table, column)
                                       : generated_name("not_null", {table.name.schema, table.name.name, column});
    prove_not_null(draft, table, column, name, constraint, needs);
  }
}

}  // namespace falsework
