#include "planner/side_effects.h"

#include <fmt/format.h>

#include <algorithm>

namespace falsework {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::vector<QualifiedName> key_partners(const pg::Snapshot& snapshot, const pg::Table& table,
                                        const std::string& column) {
  std::vector<QualifiedName> others;
  for (const pg::Table& child : snapshot.tables) {
    for (const pg::Constraint& key : child.constraints) {
      if (key.kind != 'f') continue;
      if (child.name == table.name && contains(key.columns, column)) others.push_back(key.references);
      if (key.references == table.name && contains(key.referenced_columns, column)) others.push_back(child.name);
    }
  }
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  return others;
}

std::vector<const pg::Constraint*> rechecked(const pg::Table& table, const std::string& column) {
  std::vector<const pg::Constraint*> checks;
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind == 'c' && contains(constraint.mentions, column)) checks.push_back(&constraint);
  }
  return checks;
}

bool is_proven_not_null(const pg::Table& table, const std::string& column) {
  const std::string wanted = fmt::format("CHECK (({} IS NOT NULL))", quote_identifier(column));
  return std::any_of(table.constraints.begin(), table.constraints.end(), [&](const pg::Constraint& constraint) {
    return constraint.kind == 'c' && constraint.validated && constraint.definition == wanted;
  });
}

}  // namespace falsework
