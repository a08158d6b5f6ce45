// The recursion behind render_expression.h. Private to postgres/sql.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "postgres/sql/render_expression.h"

struct PgQuery__AExpr;
struct PgQuery__AIndirection;
struct PgQuery__BoolExpr;
struct PgQuery__CaseExpr;
struct PgQuery__ColumnRef;
struct PgQuery__FuncCall;
struct PgQuery__RowExpr;
struct PgQuery__SubLink;
struct PgQuery__TypeCast;
struct PgQuery__TypeName;

namespace falsework::pg {

class ExpressionRenderer {
 public:
  ExpressionRenderer(const NameRules& rules, std::string_view source) : rules_(rules), source_(source) {}

  // One switch, the index of all kinds of nodes. The text is a unit: a name, a constant, a call, or in parentheses.
  std::string render(const PgQuery__Node& node) const;

 private:
  // Operators (render_operator.cpp).
  std::string render_operation(const PgQuery__AExpr& expr) const;
  std::string render_as_written(const PgQuery__AExpr& expr) const;
  std::string render_spelled_out(const PgQuery__AExpr& expr) const;
  std::string spell_in(const PgQuery__AExpr& expr) const;
  std::string spell_between(const PgQuery__AExpr& expr) const;
  std::string spell_distinct(const PgQuery__Node& left, const PgQuery__Node& right) const;
  std::string operation(const std::string& left, const std::string& op, const std::string& right) const;
  std::string operator_name(const std::vector<std::string>& names) const;

  // Calls (render_call.cpp).
  std::string render_call(const PgQuery__FuncCall& call) const;
  std::string render_sql_syntax(const PgQuery__FuncCall& call) const;
  std::string arguments(const PgQuery__FuncCall& call) const;

  std::string render_column(const PgQuery__ColumnRef& column) const;
  std::string render_logic(const PgQuery__BoolExpr& expr) const;
  std::string render_case(const PgQuery__CaseExpr& expr) const;
  std::string render_cast(const PgQuery__TypeCast& cast) const;
  std::string render_row(const PgQuery__RowExpr& row) const;
  std::string render_indirection(const PgQuery__AIndirection& indirection) const;
  std::string render_subquery(const PgQuery__SubLink& link) const;
  std::string render_type(const PgQuery__TypeName& type) const;
  std::string qualified(char kind, const std::vector<std::string>& names) const;
  std::string list(PgQuery__Node* const* nodes, std::size_t count) const;
  [[noreturn]] void refuse(std::string_view what) const;

  const NameRules& rules_;
  std::string_view source_;
};

}  // namespace falsework::pg
