#include <fmt/format.h>

#include "planner/names.h"
#include "planner/rewrites/dependents.h"
#include "planner/rewrites/rewrites.h"
#include "planner/rewrites/trigger.h"

namespace falsework {
namespace {

void append(std::vector<pg::Ddl>& to, std::vector<pg::Ddl> from) {
  for (pg::Ddl& ddl : from) to.push_back(std::move(ddl));
}

// The statements of the switch of one table, and back. Between the renamings every new column bears the name that the
// definitions of dependents know.
struct Sides {
  std::vector<pg::Ddl> forward, backward;
  bool moves_anything = false;
};

Sides switch_sides(const Work& work, const TableWork& table_work) {
  const pg::Table& table = *table_work.table;
  std::vector<std::string> columns;
  bool types_change = false, names_swap = false;
  for (const ShadowPair& pair : table_work.pairs) {
    columns.push_back(pair.old_name());
    types_change = types_change || pair.type_changes;
    names_swap = names_swap || pair.swap_names;
  }
  const auto views = dependent_views(*work.snapshot, table, columns);
  const auto replay = replay_policies_and_triggers(table, columns);
  Sides sides;
  sides.moves_anything = names_swap || !views.empty() || !replay.empty();
  if (!sides.moves_anything) return sides;

  const auto replaced = readers_of(views, table, columns);
  const auto views_again = [&] { return types_change ? create_views(views) : replace_views(replaced); };
  const pg::LockTables lock{{table.name}, pg::LockMode::kAccessExclusive};
  sides.forward = lock_views(types_change ? views : replaced);
  sides.forward.push_back(lock);
  if (types_change) append(sides.forward, drop_views(views));
  for (const ShadowPair& pair : table_work.pairs) {
    sides.forward.push_back(pg::RenameColumn{table.name, pair.old_name(), pair.aside});
    sides.forward.push_back(pg::RenameColumn{table.name, pair.shadow, pair.old_name()});
  }
  append(sides.forward, views_again());
  append(sides.forward, replay);
  for (const ShadowPair& pair : table_work.pairs) {
    if (pair.swap_names) continue;
    sides.forward.push_back(pg::RenameColumn{table.name, pair.old_name(), pair.final_name});
    sides.forward.push_back(pg::RenameColumn{table.name, pair.aside, pair.old_name()});
  }
  if (names_swap) append(sides.forward, trigger_functions(table_work, true, true));

  sides.backward = lock_views(types_change ? views : replaced);
  sides.backward.push_back(lock);
  if (types_change) append(sides.backward, drop_views(views));
  for (const ShadowPair& pair : table_work.pairs) {
    if (!pair.swap_names) continue;
    sides.backward.push_back(pg::RenameColumn{table.name, pair.final_name, pair.shadow});
    sides.backward.push_back(pg::RenameColumn{table.name, pair.aside, pair.old_name()});
  }
  append(sides.backward, views_again());
  append(sides.backward, replay);
  if (names_swap) append(sides.backward, trigger_functions(table_work, false, true));
  return sides;
}

std::string switch_probe(const TableWork& table_work) {
  for (const ShadowPair& pair : table_work.pairs) {
    if (pair.swap_names) return column_exists(table_work.table->name, pair.aside);
  }
  return "";
}

}  // namespace

void switch_shapes(Draft& draft) {
  bool any = false;
  for (const auto& [name, table_work] : draft.work.tables) any = any || !table_work.pairs.empty();
  if (!any) return;
  const std::string gate = add_gate(
      draft, Phase::kSwitch, "switch", "Wait until the release that knows the new shape is out everywhere",
      "Both shapes are proven and kept in agreement: the new release may be rolled out now, and back, at any pace.");
  for (const auto& [name, table_work] : draft.work.tables) {
    Sides sides = switch_sides(draft.work, table_work);
    if (!sides.moves_anything) continue;
    const std::string prefix = subject(table_work);
    Step step = statement_step(
        draft, prefix + "/switch/names", Phase::kSwitch, fmt::format("Let the new form of {} take over", prefix),
        "Names and what depends on them move in one short transaction. The dual write goes on with "
        "the roles reversed, so that going back loses nothing.",
        std::move(sides.forward), std::move(sides.backward));
    step.needs = {gate};
    step.done_when = switch_probe(table_work);
    draft.add(std::move(step));
  }
}

}  // namespace falsework
