#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "planner/rewrites/rewrites.h"
#include "postgres/sql/syntax.h"

namespace falsework {

std::string shadow_index_name(const pg::Table& table, const pg::Index& index) {
  return generated_name("index", {table.name.schema, table.name.name, index.name});
}

std::string shadow_constraint_name(const pg::Table& table, const std::string& constraint) {
  return generated_name("check", {table.name.schema, table.name.name, constraint});
}

std::string shadow_not_null_name(const pg::Table& table, const ShadowPair& pair) {
  return generated_name("not_null", {table.name.schema, table.name.name, pair.old_name()});
}

bool mentions_shadowed(const TableWork& table, const std::vector<std::string>& columns) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const std::string& column) { return table.pair_of(column) != nullptr; });
}

std::map<std::string, std::string> shadow_map(const TableWork& table) {
  std::map<std::string, std::string> names;
  for (const ShadowPair& pair : table.pairs) names[pair.old_name()] = pair.shadow;
  return names;
}

void carry_indexes(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  for (const pg::Index& index : table.indexes) {
    if (!mentions_shadowed(work, index.mentions)) continue;
    const std::string name = shadow_index_name(table, index);
    const std::string shown = QualifiedName{table.name.schema, index.name}.display();
    Step step = index_step(draft, shown + "/validate/index", Phase::kValidate, table, name,
                           pg::rewrite_index(index.definition, name, true, shadow_map(work)),
                           fmt::format("Build the new column's form of index {}", shown),
                           index.unique ? "It keeps the new column unique, too, before anything relies on it."
                                        : "Queries of the new shape find an index that is as good as the old one.");
    step.estimate.bytes = index.bytes;
    step.needs = {draft.copied.at(table.name)};
    draft.index_steps[shown] = draft.add(std::move(step)).id;
  }
}

void carry_statistics(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  std::vector<pg::Ddl> forward, backward;
  for (const pg::ExtendedStatistics& statistics : table.statistics) {
    if (!mentions_shadowed(work, statistics.mentions)) continue;
    const QualifiedName shadow{statistics.name.schema,
                               generated_name("statistics", {statistics.name.schema, statistics.name.name})};
    forward.push_back(pg::CreateStatistics{
        table.name, shadow,
        pg::rewrite_statistics(statistics.definition, shadow.schema, shadow.name, shadow_map(work))});
    if (statistics.target >= 0) forward.push_back(pg::SetStatisticsObjectTarget{table.name, shadow, statistics.target});
    backward.push_back(pg::DropStatistics{table.name, shadow});
  }
  const bool expressions = std::any_of(table.indexes.begin(), table.indexes.end(), [&](const pg::Index& index) {
    return mentions_shadowed(work, index.mentions) &&
           std::any_of(index.key.begin(), index.key.end(), [](const pg::IndexColumn& key) { return !key.column; });
  });
  if (forward.empty() && !expressions) return;
  const std::string prefix = subject(work);
  std::vector<std::string> needs{draft.copied.at(table.name)};
  for (const auto& [index, id] : draft.index_steps) needs.push_back(id);
  if (!forward.empty()) {
    Step step = statement_step(
        draft, prefix + "/validate/statistics", Phase::kValidate,
        fmt::format("Create the new column's form of the extended statistics of {}", table.name.display()),
        "The planner's estimates stay as good as they were.", forward, std::move(backward));
    step.needs = needs;
    needs = {draft.add(std::move(step)).id};
  }
  Step analyze = statement_step(draft, prefix + "/validate/analyze", Phase::kValidate,
                                fmt::format("Gather statistics of {} for what was built", table.name.display()),
                                "Expression indexes and extended statistics are filled by ANALYZE alone.",
                                {pg::Analyze{table.name, {}}}, std::vector<pg::Ddl>{});
  analyze.needs = std::move(needs);
  draft.add(std::move(analyze));
}

namespace {

void carry_checks(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  std::vector<pg::Ddl> forward{pg::LockTables{{table.name}, pg::LockMode::kAccessExclusive}};
  std::vector<pg::Ddl> backward = forward;
  std::vector<const pg::Constraint*> carried;
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind != 'c' || !mentions_shadowed(work, constraint.mentions)) continue;
    const std::string name = shadow_constraint_name(table, constraint.name);
    forward.push_back(pg::AddCheck{table.name, name, pg::rewrite_check(constraint.definition, shadow_map(work)),
                                   constraint.no_inherit, true});
    backward.push_back(pg::DropConstraint{table.name, name, std::nullopt});
    carried.push_back(&constraint);
  }
  if (carried.empty()) return;
  const std::string prefix = subject(work);
  Step add = statement_step(
      draft, prefix + "/validate/checks", Phase::kValidate,
      fmt::format("Add the new column's form of the check constraints of {}", table.name.display()),
      "NOT VALID: new rows are checked at once, those that exist in a step of its own.", forward, std::move(backward));
  add.needs = {draft.copied.at(table.name)};
  add.done_when = constraint_exists(table.name, shadow_constraint_name(table, carried.back()->name));
  const std::string add_id = draft.add(std::move(add)).id;
  for (const pg::Constraint* constraint : carried) {
    if (!constraint->validated) continue;
    const std::string name = shadow_constraint_name(table, constraint->name);
    Step validate = statement_step(
        draft, fmt::format("{}.{}/validate/validate", table.name.display(), quote_identifier(constraint->name)),
        Phase::kValidate, fmt::format("Validate the new form of {}", constraint->name),
        "The scan runs beside reads and writes.", {pg::ValidateConstraint{table.name, name, std::nullopt}},
        std::vector<pg::Ddl>{});
    validate.needs = {add_id};
    validate.done_when = constraint_valid(table.name, name);
    validate.estimate.rows = static_cast<std::int64_t>(std::max(0.0, table.rows));
    draft.add(std::move(validate));
  }
}

}  // namespace

void carry_constraints(Draft& draft, const TableWork& work) {
  if (work.pairs.empty()) return;
  carry_checks(draft, work);
  const pg::Table& table = *work.table;
  for (const ShadowPair& pair : work.pairs) {
    if (!pair.not_null) continue;
    std::vector<std::string> needs{draft.copied.at(table.name)};
    const std::string name = display_column(table.name, pair.final_name);
    if (!pair.column->not_null && !pair.fill) {
      // Declared NOT NULL without a fill: running releases must have stopped writing NULL.
      needs.push_back(validate_gate(draft));
      Step check =
          range_check(name + "/validate/nulls", Phase::kValidate, table, quote_identifier(pair.old_name()) + " IS NULL",
                      fmt::format("cannot set {} NOT NULL: {{count}} rows are null", name),
                      "Give \"fill\" in the declaration, or fill the column first: {samples}.");
      check.title = fmt::format("Count the NULLs of {}", name);
      check.why = "A NULL that is found now costs nothing; one that is found by the constraint fails a client.";
      check.needs = needs;
      needs = {draft.add(std::move(check)).id};
    }
    prove_not_null(draft, table, pair.shadow, name, shadow_not_null_name(table, pair), needs);
  }
}

}  // namespace falsework
