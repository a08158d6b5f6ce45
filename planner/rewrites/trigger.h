// The dual-write trigger of a table: one function for all its shadow pairs and fill rules, fired by a BEFORE INSERT and
// a BEFORE UPDATE row trigger. Rules: design §6.
//
// One rule: the function reads and writes nothing but NEW and OLD, and every name in it is qualified.
#pragma once

#include <string>
#include <vector>

#include "planner/work.h"
#include "postgres/sql/ddl.h"

namespace falsework {

struct TriggerNames {
  QualifiedName function;
  std::string on_insert, on_update;
};
TriggerNames trigger_names(const pg::Table& table);

// The function, with the columns called as before (false) or after (true) the switch.
pg::CreateTriggerFunction trigger_function(const TableWork& table, bool switched);

// The two triggers. They refer to columns by number, so that a renaming does not touch them.
std::vector<pg::Ddl> create_triggers(const TableWork& table);
std::vector<pg::Ddl> drop_triggers(const TableWork& table);

// The new value as it is assigned (`up`, with `fill`), and the same with its type made explicit; `path` is where the
// column is read: {"new", "email"} in the trigger, {"email"} in a query.
std::string up_assigned(const ShadowPair& pair, const std::vector<std::string>& path);
std::string up_typed(const ShadowPair& pair, const std::vector<std::string>& path);
std::string down_assigned(const ShadowPair& pair, const std::vector<std::string>& path);
std::string down_typed(const ShadowPair& pair, const std::vector<std::string>& path);

}  // namespace falsework
