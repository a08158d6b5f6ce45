// The dual write of a table: a BEFORE INSERT and a BEFORE UPDATE row trigger, each with a function of its own for all
// shadow pairs and fill rules. Rules: design §6.
//
// One rule: the functions read and write nothing but NEW and OLD, and every name in them is qualified. Every row that
// is written pays for each expression in them: what the server can decide before it calls one stands in the WHEN.
#pragma once

#include <string>
#include <vector>

#include "planner/work.h"
#include "postgres/sql/ddl.h"

namespace falsework {

struct TriggerNames {
  QualifiedName insert_function, update_function;
  std::string on_insert, on_update;
};
TriggerNames trigger_names(const pg::Table& table);

// The two functions, with the columns called as before (false) or after (true) the switch.
std::vector<pg::Ddl> trigger_functions(const TableWork& table, bool switched, bool replace = false);

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
