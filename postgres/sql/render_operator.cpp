// Operators, and the forms of the grammar that hide one: how parse_expr.c of PostgreSQL 15 understands them.
#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base/identifier.h"
#include "postgres/sql/expression_renderer.h"
#include "postgres/sql/parse_tree.h"

namespace falsework::pg {

namespace {

bool is_null_constant(const PgQuery__Node& node) {
  return node.node_case == PG_QUERY__NODE__NODE_A_CONST && node.a_const->isnull != 0;
}

std::string_view between_words(PgQuery__AExprKind kind) {
  switch (kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN: return "BETWEEN";
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN: return "NOT BETWEEN";
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM: return "BETWEEN SYMMETRIC";
    default: return "NOT BETWEEN SYMMETRIC";
  }
}

bool is_negated(const PgQuery__AExpr& expr) {
  const std::string name = string_of(*expr.name[expr.n_name - 1]);
  return name.front() == '!' || name == "<>";
}

std::string join(const std::vector<std::string>& parts, std::string_view word) {
  if (parts.size() == 1) return parts.front();
  return fmt::format("({})", fmt::join(parts, word));
}

}  // namespace

std::string ExpressionRenderer::operator_name(const std::vector<std::string>& names) const {
  if (names.size() > 1) {
    std::string schema;
    for (std::size_t i = 0; i + 1 < names.size(); ++i) schema += quote_identifier(names[i]) + ".";
    return fmt::format("OPERATOR({}{})", schema, names.back());
  }
  const std::string schema = rules_.qualify ? rules_.qualify('o', names.front()) : "";
  return schema.empty() ? names.front() : fmt::format("OPERATOR({}.{})", quote_identifier(schema), names.front());
}

std::string ExpressionRenderer::operation(const std::string& left, const std::string& op,
                                          const std::string& right) const {
  return left.empty() ? fmt::format("({} {})", op, right) : fmt::format("({} {} {})", left, op, right);
}

std::string ExpressionRenderer::render_operation(const PgQuery__AExpr& expr) const {
  const auto name = [&] { return operator_name(name_parts(expr.name, expr.n_name)); };
  const auto left = [&] { return expr.lexpr != nullptr ? render(*expr.lexpr) : std::string(); };
  switch (expr.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP: {
      if (expr.rexpr == nullptr) refuse("a postfix operator");
      return operation(left(), name(), render(*expr.rexpr));
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
      return fmt::format("({} {} ANY ({}))", left(), name(), render(*expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      return fmt::format("({} {} ALL ({}))", left(), name(), render(*expr.rexpr));
    default: return rules_.qualify ? render_spelled_out(expr) : render_as_written(expr);
  }
}

std::string ExpressionRenderer::render_as_written(const PgQuery__AExpr& expr) const {
  const std::string left = render(*expr.lexpr);
  const std::string negation = is_negated(expr) ? "NOT " : "";
  switch (expr.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
      return fmt::format("({} IS DISTINCT FROM {})", left, render(*expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      return fmt::format("({} IS NOT DISTINCT FROM {})", left, render(*expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: return fmt::format("NULLIF({}, {})", left, render(*expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
      return fmt::format("({} {}IN ({}))", left, negation, list(expr.rexpr->list->items, expr.rexpr->list->n_items));
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE: return fmt::format("({} {}LIKE {})", left, negation, render(*expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
      return fmt::format("({} {}ILIKE {})", left, negation, render(*expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: {
      // The grammar wraps the pattern in pg_catalog.similar_to_escape(pattern [, escape]).
      const PgQuery__FuncCall& pattern = *expr.rexpr->func_call;
      const std::string escape = pattern.n_args > 1 ? " ESCAPE " + render(*pattern.args[1]) : "";
      return fmt::format("({} {}SIMILAR TO {}{})", left, negation, render(*pattern.args[0]), escape);
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return fmt::format("({} {} {} AND {})", left, between_words(expr.kind), render(*expr.rexpr->list->items[0]),
                         render(*expr.rexpr->list->items[1]));
    default: refuse("an operator form that Falsework does not know");
  }
}

std::string ExpressionRenderer::render_spelled_out(const PgQuery__AExpr& expr) const {
  switch (expr.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT: return spell_distinct(*expr.lexpr, *expr.rexpr);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT:
      return fmt::format("(NOT {})", spell_distinct(*expr.lexpr, *expr.rexpr));
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: {
      const std::string left = render(*expr.lexpr);
      return fmt::format("(CASE WHEN {} THEN NULL ELSE {} END)",
                         operation(left, operator_name({"="}), render(*expr.rexpr)), left);
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return spell_in(expr);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:  // the tree names the operator: ~~, ~~*, ~ and their negations
      return operation(render(*expr.lexpr), operator_name(name_parts(expr.name, expr.n_name)), render(*expr.rexpr));
    default: return spell_between(expr);
  }
}

std::string ExpressionRenderer::spell_in(const PgQuery__AExpr& expr) const {
  const std::string left = render(*expr.lexpr);
  const std::string op = operator_name(name_parts(expr.name, expr.n_name));
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < expr.rexpr->list->n_items; ++i) {
    parts.push_back(operation(left, op, render(*expr.rexpr->list->items[i])));
  }
  return join(parts, is_negated(expr) ? " AND " : " OR ");
}

std::string ExpressionRenderer::spell_between(const PgQuery__AExpr& expr) const {
  const std::string value = render(*expr.lexpr);
  const std::string low = render(*expr.rexpr->list->items[0]);
  const std::string high = render(*expr.rexpr->list->items[1]);
  const auto inside = [&](const std::string& from, const std::string& to) {
    return join({operation(value, operator_name({">="}), from), operation(value, operator_name({"<="}), to)}, " AND ");
  };
  const auto outside = [&](const std::string& from, const std::string& to) {
    return join({operation(value, operator_name({"<"}), from), operation(value, operator_name({">"}), to)}, " OR ");
  };
  switch (expr.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN: return inside(low, high);
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN: return outside(low, high);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM: return join({inside(low, high), inside(high, low)}, " OR ");
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return join({outside(low, high), outside(high, low)}, " AND ");
    default: refuse("an operator form that Falsework does not know");
  }
}

std::string ExpressionRenderer::spell_distinct(const PgQuery__Node& left, const PgQuery__Node& right) const {
  // Against a literal NULL the server makes a test for NULL that looks for no operator (parse_expr.c,
  // make_nulltest_from_distinct); `IS NULL` is not the same for a composite value.
  if (is_null_constant(left) || is_null_constant(right)) {
    return fmt::format("({} IS DISTINCT FROM {})", render(left), render(right));
  }
  if (left.node_case == PG_QUERY__NODE__NODE_ROW_EXPR && right.node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
      left.row_expr->n_args == right.row_expr->n_args && left.row_expr->n_args > 0) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < left.row_expr->n_args; ++i) {
      parts.push_back(spell_distinct(*left.row_expr->args[i], *right.row_expr->args[i]));
    }
    return join(parts, " OR ");
  }
  // num_nulls, for it counts a composite value whose fields are all null as a value, as IS DISTINCT FROM does.
  const std::string a = render(left);
  const std::string b = render(right);
  const std::string nulls = fmt::format("pg_catalog.num_nulls({}, {}) OPERATOR(pg_catalog.=)", a, b);
  return fmt::format("(CASE WHEN ({} 0) THEN (NOT {}) ELSE ({} 1) END)", nulls, operation(a, operator_name({"="}), b),
                     nulls);
}

}  // namespace falsework::pg
