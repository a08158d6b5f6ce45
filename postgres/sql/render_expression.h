// Expression trees as text, with names replaced on the way. Private to postgres/sql.
//
// libpg_query's own deparser loses parentheses (`(NOT a)::text` comes out as `NOT a::text`, `2 ^ -1` as `2 ^- 1`) and
// prints some operators without their schema. This one puts every operation in parentheses and names every operator.
// What it does not know it refuses by name.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

struct PgQuery__Node;

namespace falsework::pg {

struct NameRules {
  // The text that stands for a column reference; unset: as written.
  std::function<std::string(const std::vector<std::string>& path)> column;
  // The schema of an unqualified function ('f'), type ('t'), operator ('o') or collation ('c'); unset, or an empty
  // answer: as written. When it is set, forms of the grammar that hide an operator (IN, LIKE, BETWEEN, NULLIF, IS
  // DISTINCT FROM, CASE x WHEN) are spelled out with that operator.
  std::function<std::string(char kind, const std::string& name)> qualify;
  // The tree was read from what the server printed of an expression that it holds, and shall become that one again.
  bool printed_by_server = false;
};

// Renders an expression that can stand anywhere. `source` is only named in errors.
// Throws Error(expression.invalid) for what cannot be carried along: subqueries with FROM, aggregates, stars, XML
// syntax.
std::string render_expression(const PgQuery__Node& node, const NameRules& rules, std::string_view source);

// Throws Error(expression.invalid) unless the rendered tree reads back as the same tree.
void verify_rendering(const PgQuery__Node& node, std::string_view source);

}  // namespace falsework::pg
