// User expressions (`up`, `down`, `fill`): accepted only when a trigger may evaluate them for every row, for ever.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "postgres/catalog/snapshot.h"

namespace falsework {

// Where an expression stands, for messages.
struct ExpressionPlace {
  std::string what;           // `"up" of orders.total`
  std::string where;          // file and line or path
  bool has_time_zone = true;  // whether the change can say "time_zone"
};

// Checks and qualifies an expression. It may read only `readable` columns of the table; every function is immutable (or
// `time_zone_pinned` where it depends on settings). Functions, types and operators are put into their schema.
// Throws Error(expression.invalid).
std::string accept_expression(const std::string& expression, const pg::Snapshot& snapshot, const pg::Table& table,
                              const std::set<std::string>& readable, bool time_zone_pinned,
                              const ExpressionPlace& place);

// Renders an accepted expression with its columns taken from elsewhere: `email` from {"NEW", "email"}, say.
std::string over(const std::string& expression, const std::map<std::string, std::vector<std::string>>& columns);

}  // namespace falsework
