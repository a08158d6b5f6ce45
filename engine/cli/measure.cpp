#include "engine/cli/measure.h"

#include <algorithm>
#include <set>

#include "engine/cli/table_name.h"

namespace falsework::cli {

namespace {

// What hangs on a table: views that read it, foreign keys that name it, and what the server says depends on its
// columns.
std::vector<std::string> dependents_of(const pg::Table& table, const pg::Snapshot& snapshot) {
  std::set<std::string> names;
  for (const pg::Dependent& dependent : table.dependents) names.insert(dependent.object);
  for (const pg::View& view : snapshot.views) {
    const bool reads = std::any_of(view.depends_on.begin(), view.depends_on.end(),
                                   [&](const auto& each) { return each.relation == table.name; });
    if (reads) names.insert("view " + view.name.display());
  }
  for (const pg::Table& other : snapshot.tables) {
    for (const pg::Constraint& constraint : other.constraints) {
      if (constraint.kind != 'f' || constraint.references != table.name) continue;
      names.insert("foreign key " + constraint.name + " of " + other.name.display());
    }
  }
  return {names.begin(), names.end()};
}

std::vector<runbook::Measured::Relation> relations_of(const Plan& plan, const pg::Snapshot& snapshot) {
  std::set<std::string> named;
  for (const PlannedChange& change : plan.changes) named.insert(change.relation);
  for (const Step& step : plan.steps) {
    for (const pg::TakenLock& lock : step.locks) named.insert(lock.relation);
  }
  std::vector<runbook::Measured::Relation> relations;
  for (const pg::Table& table : snapshot.tables) {
    if (!named.contains(table.name.display())) continue;
    relations.push_back({table.name.display(), table.rows < 0 ? -1 : static_cast<std::int64_t>(table.rows), table.bytes,
                         table.total_bytes, table.indexes.size(), table.triggers.size(),
                         dependents_of(table, snapshot)});
  }
  return relations;
}

}  // namespace

runbook::Measured measure(const Plan& plan, const Connection& connection, Clock& clock) {
  std::set<std::string> named;
  for (const PlannedChange& change : plan.changes) named.insert(change.relation);
  std::vector<QualifiedName> tables;
  for (const std::string& relation : named) tables.push_back(parse_table_name(relation));
  const pg::Snapshot snapshot = take_snapshot(connection, tables);
  runbook::Measured measured;
  measured.database = snapshot.database;
  measured.at = render_time(clock.now());
  measured.relations = relations_of(plan, snapshot);
  return measured;
}

}  // namespace falsework::cli
