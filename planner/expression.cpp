#include "planner/expression.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "postgres/sql/syntax.h"

namespace falsework {
namespace {

[[noreturn]] void refuse(const ExpressionPlace& place, const std::string& why, const std::string& hint) {
  throw Error(errors::kExpressionInvalid, fmt::format("{}: {} {}", place.where, place.what, why), hint);
}

// The user's function that an unqualified name means, if there is one in the search_path.
const pg::Function* user_function(const pg::Snapshot& snapshot, const std::vector<std::string>& name) {
  for (const pg::Function& function : snapshot.functions) {
    if (function.name.name != name.back()) continue;
    if (name.size() > 1 ? function.name.schema == name.front()
                        : std::find(snapshot.search_path.begin(), snapshot.search_path.end(), function.name.schema) !=
                              snapshot.search_path.end()) {
      return &function;
    }
  }
  return nullptr;
}

void check_function(const pg::Snapshot& snapshot, const std::vector<std::string>& name, bool pinned,
                    const ExpressionPlace& place) {
  const std::string shown = fmt::format("{}", fmt::join(name, "."));
  if (const pg::Function* function = user_function(snapshot, name)) {
    if (function->volatility != 'i') {
      refuse(place, fmt::format("calls {}, which is not immutable", shown),
             "Mark the function IMMUTABLE if it is, or write the expression without it.");
    }
    if (function->security_definer) {
      refuse(place, fmt::format("calls {}, which is SECURITY DEFINER", shown),
             "Use a function that runs as its caller.");
    }
    return;
  }
  const auto builtin = snapshot.builtin_volatility.find(name.back());
  if (builtin == snapshot.builtin_volatility.end()) return;
  if (builtin->second == 'm' && pinned) return;
  if (builtin->second == 'm' || builtin->second == 's') {
    if (pinned && builtin->second == 's') return;
    refuse(place, fmt::format("calls {}, whose answer can depend on the session's settings", shown),
           place.has_time_zone ? "Give \"time_zone\": \"UTC\" to pin it, or write the expression without it."
                               : "Use a constant or an immutable expression: the copy and the trigger evaluate it for "
                                 "every row, and must agree.");
  }
  refuse(place, fmt::format("calls {}, which is volatile", shown),
         "Use an immutable expression: it is evaluated for old rows by the copy and for new ones by the trigger.");
}

}  // namespace

std::string accept_expression(const std::string& expression, const pg::Snapshot& snapshot, const pg::Table& table,
                              const std::set<std::string>& readable, bool time_zone_pinned,
                              const ExpressionPlace& place) {
  pg::ExpressionFacts facts;
  try {
    facts = pg::inspect_expression(expression);
  } catch (const Error& error) {
    refuse(place, fmt::format("is not an expression: {}", error.what()), error.hint());
  }
  if (facts.has_subquery) refuse(place, "holds a sub-select", "Use an expression over the row alone.");
  if (facts.has_aggregate_or_window) refuse(place, "holds an aggregate or window function", "Use the row alone.");
  if (facts.has_parameter) refuse(place, "holds a parameter", "Write the value itself.");
  if (facts.has_session_value) {
    refuse(place, "reads the session or the clock", "Use a constant, or set the value from the application.");
  }
  for (const auto& path : facts.columns) {
    const std::string& column = path.back();
    const bool qualifier_ok = path.size() == 1 || (path.size() == 2 && path.front() == table.name.name);
    if (!qualifier_ok || !readable.contains(column)) {
      refuse(place, fmt::format("reads {}", fmt::join(path, ".")),
             fmt::format("It may read {}.",
                         readable.empty() ? "no column" : fmt::format("{}", fmt::join(readable, ", "))));
    }
  }
  for (const auto& function : facts.functions) check_function(snapshot, function, time_zone_pinned, place);

  pg::ColumnSubstitution substitution;
  for (const std::string& column : readable) substitution.columns[column] = {column};
  substitution.qualifiers = {table.name.name};
  substitution.qualify = [&snapshot](char kind, const std::string& name) -> std::string {
    const auto in_path = [&snapshot](const std::string& schema) {
      return std::find(snapshot.search_path.begin(), snapshot.search_path.end(), schema) != snapshot.search_path.end();
    };
    if (kind == 'f') {
      if (const pg::Function* function = user_function(snapshot, {name})) return function->name.schema;
    } else if (kind == 't') {
      for (const QualifiedName& type : snapshot.types) {
        if (type.name == name && in_path(type.schema)) return type.schema;
      }
    }
    return "pg_catalog";
  };
  return pg::rewrite_expression(expression, substitution);
}

std::string over(const std::string& expression, const std::map<std::string, std::vector<std::string>>& columns) {
  pg::ColumnSubstitution substitution;
  substitution.columns = columns;
  return pg::rewrite_expression(expression, substitution);
}

}  // namespace falsework
