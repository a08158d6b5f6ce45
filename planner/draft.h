// A plan that is being written: steps collect here, and the helpers that most rewrites need.
//
// One rule: a step's SQL, locks and cost come from the same Ddl values, so they cannot disagree.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "planner/work.h"
#include "plans/plan.h"
#include "postgres/sql/ddl.h"

namespace falsework {

struct Draft {
  const Work& work;
  std::vector<Step> steps;
  std::map<QualifiedName, std::string> copied;     // table -> the step that proves its copy
  std::map<std::string, std::string> index_steps;  // display of the old index -> the step that builds its shadow
  std::set<std::string> gates;                     // keys of the declaration's gates that the plan has
  std::set<std::string> retired_keys;              // foreign keys whose old form a contract step drops already

  explicit Draft(const Work& the_work) : work(the_work) {}

  int server_major() const { return work.snapshot->server_major(); }
  Step& add(Step step) { return steps.emplace_back(std::move(step)); }
  // The ids of all steps in phases before `phase`.
  std::vector<std::string> before(Phase phase) const;
};

// A step in one transaction. `backward` nullopt: it cannot be undone. The locks come first, in one fixed order.
Step statement_step(const Draft& draft, std::string id, Phase phase, std::string title, std::string why,
                    const std::vector<pg::Ddl>& forward, const std::optional<std::vector<pg::Ddl>>& backward);

// A concurrent index build, with its five-state probe and its undo.
Step index_step(const Draft& draft, std::string id, Phase phase, const pg::Table& table, const std::string& index,
                const std::string& definition, std::string title, std::string why);

// A check by block ranges: counts rows of `table` for which `predicate` holds, with sample keys.
Step range_check(std::string id, Phase phase, const pg::Table& table, const std::string& predicate, std::string message,
                 std::string hint);

// What a table's steps are called: its column in the end, or the table when several of its columns change.
std::string subject(const TableWork& table);

// Probes (done_when): queries that answer one boolean, on catalogs alone.
std::string column_exists(const QualifiedName& table, const std::string& column);
std::string column_absent(const QualifiedName& table, const std::string& column);
std::string column_not_null(const QualifiedName& table, const std::string& column);
std::string column_has_type(const QualifiedName& table, const std::string& column, const std::string& type);
std::string constraint_exists(const QualifiedName& table, const std::string& constraint);
std::string constraint_valid(const QualifiedName& table, const std::string& constraint);
std::string trigger_always(const QualifiedName& table, const std::string& trigger);
std::string trigger_absent(const QualifiedName& table, const std::string& trigger);

}  // namespace falsework
