// Declared changes, resolved against the catalog: what is to become of each column, before it is cut into steps.
//
// One rule: several changes of one column are one piece of work, and all shadow columns of a table share one trigger
// function and one copy.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/change.h"
#include "plans/plan.h"
#include "postgres/catalog/snapshot.h"
#include "postgres/catalog/type_change.h"

namespace falsework {

// A column that gets a shadow. `up` and `down` were parsed and qualified; in them the column is called `value_name`.
struct ShadowPair {
  const pg::Column* column = nullptr;  // the old one
  std::string shadow;                  // name of the new one until the switch
  std::string aside;                   // name of the old one after the switch, when names are swapped
  std::string final_name;              // name of the new one in the end
  bool swap_names = false;             // the new one takes the old one's name at the switch
  std::string type;                    // of the new one
  bool type_changes = false;
  std::optional<QualifiedName> collation;
  bool not_null = false;
  pg::CastKind up_cast = pg::CastKind::kTotal, down_cast = pg::CastKind::kTotal;
  std::optional<std::string> up, down, fill;
  std::string value_name;
  std::string time_zone;     // pins the expressions; empty: none
  bool accept_loss = false;  // values that change on the way are wanted so
  bool constant = false;     // `up` is one value for every row: the column has it from the start, without a copy
  bool implied = false;      // it follows a key that it references

  const std::string& old_name() const { return column->name; }
};

// NULLs that the trigger and the copy fill.
struct FillRule {
  std::string column;
  std::string expression;  // qualified
};

struct InPlaceType {
  const pg::Column* column = nullptr;
  std::string type;
  std::optional<QualifiedName> collation;
};

// NOT NULL on a column that stays where it is.
struct NotNullWork {
  const pg::Column* column = nullptr;
  bool filled = false;  // a FillRule stands for it
};

struct ForeignKeyWork {
  AddForeignKey change;  // with the columns' names in the end, the referenced columns given
  std::string name;
  QualifiedName table, references;
};

struct TableWork {
  const pg::Table* table = nullptr;
  std::vector<ShadowPair> pairs;
  std::vector<FillRule> fills;
  std::vector<InPlaceType> types;
  std::vector<NotNullWork> not_nulls;
  // The sequence that moves with each write of the old shape, where a gate asks for it.
  std::optional<QualifiedName> counter;

  bool has_trigger() const { return !pairs.empty() || !fills.empty(); }
  const ShadowPair* pair_of(const std::string& old_name) const;
};

struct Work {
  const pg::Snapshot* snapshot = nullptr;
  std::string migration;
  std::map<std::string, std::string> releases;
  std::map<std::string, GateWish> gates;
  std::string author;
  bool archive = false;  // old columns are archived before they go
  std::map<QualifiedName, TableWork> tables;
  std::vector<ForeignKeyWork> foreign_keys;
  std::vector<PlannedChange> changes;

  const TableWork* find(const QualifiedName& table) const;
};

// Resolves names, composes the changes and chooses a strategy for each. Throws as make_plan does.
Work resolve(const Migration& migration, const pg::Snapshot& snapshot);

}  // namespace falsework
