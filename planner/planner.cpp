#include "planner/planner.h"

#include <algorithm>
#include <set>

#include "base/error_kinds.h"
#include "planner/draft.h"
#include "planner/rewrites/rewrites.h"
#include "planner/work.h"
#include "plans/graph.h"
#include "postgres/catalog/fingerprint.h"

namespace falsework {
namespace {

// The relations whose drift would make the plan wrong: what its steps touch.
void set_reliance(Plan& plan, const pg::Snapshot& snapshot) {
  std::set<std::string> touched;
  for (const Step& step : plan.steps) touched.insert(step.relations.begin(), step.relations.end());
  for (const pg::Table& table : snapshot.tables) {
    if (!touched.contains(table.name.display())) continue;
    plan.relations.push_back(table.name.sql());
    plan.relies_on[table.name.display()] = table.fingerprint;
  }
  plan.fingerprint_query = pg::fingerprint_query();
}

std::vector<Step> draft_steps(const Work& work, std::vector<std::string>& warnings) {
  Draft draft(work);
  for (const auto& [name, table] : work.tables) check_conversions(draft, table);
  for (const auto& [name, table] : work.tables) change_types_in_place(draft, table);
  for (const auto& [name, table] : work.tables) start_dual_write(draft, table);
  for (const auto& [name, table] : work.tables) copy_rows(draft, table);
  for (const auto& [name, table] : work.tables) {
    carry_indexes(draft, table);
    carry_constraints(draft, table);
    carry_statistics(draft, table);
  }
  carry_foreign_keys(draft);
  for (const auto& [name, table] : work.tables) set_not_null(draft, table);
  add_foreign_keys(draft);
  switch_shapes(draft);
  contract(draft);
  require_gates(draft);
  warnings = warn_of_idle_releases(draft);
  return std::move(draft.steps);
}

// A title is one line, whatever the names in it hold.
std::string one_line(std::string title) {
  std::replace_if(
      title.begin(), title.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return title;
}

}  // namespace

Plan make_plan(const Migration& migration, const pg::Snapshot& snapshot) {
  const Work work = resolve(migration, snapshot);
  Plan plan;
  plan.name = migration.name;
  plan.engine_version = FALSEWORK_VERSION;
  plan.server_version = snapshot.server_version;
  plan.database = snapshot.database;
  plan.system_identifier = snapshot.system_identifier;
  plan.releases = migration.releases;
  plan.changes = work.changes;
  std::vector<std::string> warnings;
  std::vector<Step> steps = draft_steps(work, warnings);
  if (!plan.changes.empty()) {
    auto& told = plan.changes.front().warnings;
    told.insert(told.end(), warnings.begin(), warnings.end());
  }
  for (Step& step : steps) {
    std::sort(step.needs.begin(), step.needs.end());
    step.needs.erase(std::unique(step.needs.begin(), step.needs.end()), step.needs.end());
    step.title = one_line(std::move(step.title));
  }
  for (const std::string& id : order_steps(steps)) {
    const auto step = std::find_if(steps.begin(), steps.end(), [&](const Step& each) { return each.id == id; });
    plan.steps.push_back(std::move(*step));
  }
  set_reliance(plan, snapshot);
  stamp(plan);
  if (const auto problems = verify(plan); !problems.empty()) {
    throw Error(errors::kInternal, "the planner made an unsound plan: " + problems.front(),
                "This is a bug; please report it.");
  }
  return plan;
}

}  // namespace falsework
