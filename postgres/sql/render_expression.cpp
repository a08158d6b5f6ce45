#include "postgres/sql/render_expression.h"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <map>

#include "base/error_kinds.h"
#include "base/identifier.h"
#include "postgres/sql/expression_renderer.h"
#include "postgres/sql/parse_tree.h"
#include "postgres/sql/render_type.h"

namespace falsework::pg {

namespace {

std::string dotted(const std::vector<std::string>& names) {
  std::string result;
  for (const std::string& name : names) result += (result.empty() ? "" : ".") + quote_identifier(name);
  return result;
}

// `2 ^ -1` reads as the operator `^-` when the space is lost, and `-1::text` as -(1::text).
std::string render_number(const std::string& digits) { return digits.front() == '-' ? "(" + digits + ")" : digits; }

// The type that every element of an array constructor is cast to.
const PgQuery__TypeName* common_element_type(const PgQuery__Node& node) {
  if (node.node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR) return nullptr;
  const PgQuery__TypeName* common = nullptr;
  for (std::size_t i = 0; i < node.a_array_expr->n_elements; ++i) {
    const PgQuery__Node& element = *node.a_array_expr->elements[i];
    if (element.node_case != PG_QUERY__NODE__NODE_TYPE_CAST) return nullptr;
    const PgQuery__TypeName* type = element.type_cast->type_name;
    if (type->n_array_bounds > 0 || (common != nullptr && !same_tree(common->base, type->base))) return nullptr;
    common = type;
  }
  return common;
}

std::string render_constant(const PgQuery__AConst& constant) {
  if (constant.isnull) return "NULL";
  switch (constant.val_case) {
    case PG_QUERY__A__CONST__VAL_IVAL: return render_number(fmt::to_string(constant.ival->ival));
    case PG_QUERY__A__CONST__VAL_FVAL: return render_number(constant.fval->fval);
    case PG_QUERY__A__CONST__VAL_BOOLVAL: return constant.boolval->boolval != 0 ? "true" : "false";
    case PG_QUERY__A__CONST__VAL_SVAL: return quote_literal(constant.sval->sval);
    case PG_QUERY__A__CONST__VAL_BSVAL: {
      const std::string_view text = constant.bsval->bsval;  // b101 or x1F
      return fmt::format("{}'{}'", text.substr(0, 1), text.substr(1));
    }
    default: fail_check("a constant of a known kind", __FILE__, __LINE__);
  }
}

std::string render_session_value(const PgQuery__SQLValueFunction& function) {
  static const std::map<int, std::string_view> kNames = {
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE, "CURRENT_DATE"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME, "CURRENT_TIME"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIME_N, "CURRENT_TIME({})"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP, "CURRENT_TIMESTAMP"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N, "CURRENT_TIMESTAMP({})"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME, "LOCALTIME"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N, "LOCALTIME({})"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP, "LOCALTIMESTAMP"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N, "LOCALTIMESTAMP({})"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE, "CURRENT_ROLE"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER, "CURRENT_USER"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER, "USER"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_SESSION_USER, "SESSION_USER"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_CATALOG, "CURRENT_CATALOG"},
      {PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA, "CURRENT_SCHEMA"}};
  const auto found = kNames.find(function.op);
  FALSEWORK_CHECK(found != kNames.end());
  return fmt::format(fmt::runtime(found->second), function.typmod);
}

std::string_view truth_test(PgQuery__BoolTestType test) {
  switch (test) {
    case PG_QUERY__BOOL_TEST_TYPE__IS_TRUE: return "TRUE";
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE: return "NOT TRUE";
    case PG_QUERY__BOOL_TEST_TYPE__IS_FALSE: return "FALSE";
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE: return "NOT FALSE";
    case PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN: return "UNKNOWN";
    case PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN: return "NOT UNKNOWN";
    default: fail_check("a truth test of a known kind", __FILE__, __LINE__);
  }
}

}  // namespace

void ExpressionRenderer::refuse(std::string_view what) const {
  throw Error(errors::kExpressionInvalid,
              fmt::format("expression `{}` holds {}, which cannot be carried along", excerpt(source_), what),
              "Write the expression without it.");
}

std::string ExpressionRenderer::list(PgQuery__Node* const* nodes, std::size_t count) const {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += (i == 0 ? "" : ", ") + render(*nodes[i]);
  return result;
}

std::string ExpressionRenderer::qualified(char kind, const std::vector<std::string>& names) const {
  if (names.size() != 1 || !rules_.qualify) return dotted(names);
  const std::string schema = rules_.qualify(kind, names.front());
  return schema.empty() ? dotted(names) : dotted({schema, names.front()});
}

std::string ExpressionRenderer::render_column(const PgQuery__ColumnRef& column) const {
  for (std::size_t i = 0; i < column.n_fields; ++i) {
    if (column.fields[i]->node_case == PG_QUERY__NODE__NODE_A_STAR) refuse("a star");
  }
  const std::vector<std::string> path = name_parts(column.fields, column.n_fields);
  return rules_.column ? rules_.column(path) : dotted(path);
}

std::string ExpressionRenderer::render_logic(const PgQuery__BoolExpr& expr) const {
  if (expr.boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) return fmt::format("(NOT {})", render(*expr.args[0]));
  const std::string_view word = expr.boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR ? " AND " : " OR ";
  std::string result;
  for (std::size_t i = 0; i < expr.n_args; ++i) result.append(i == 0 ? "" : word).append(render(*expr.args[i]));
  return "(" + result + ")";
}

std::string ExpressionRenderer::render_case(const PgQuery__CaseExpr& expr) const {
  // `CASE x WHEN y` looks for an operator `=` in the search_path (PG source, parse_expr.c: transformCaseExpr).
  const bool spelled_out = rules_.qualify && expr.arg != nullptr;
  std::string result = "(CASE";
  if (expr.arg != nullptr && !spelled_out) result += " " + render(*expr.arg);
  for (std::size_t i = 0; i < expr.n_args; ++i) {
    const PgQuery__CaseWhen& when = *expr.args[i]->case_when;
    const std::string condition =
        spelled_out ? operation(render(*expr.arg), operator_name({"="}), render(*when.expr)) : render(*when.expr);
    result += fmt::format(" WHEN {} THEN {}", condition, render(*when.result));
  }
  if (expr.defresult != nullptr) result += " ELSE " + render(*expr.defresult);
  return result + " END)";
}

std::string ExpressionRenderer::render_cast(const PgQuery__TypeCast& cast) const {
  const std::string value = render(*cast.arg);
  const std::string type = render_type(*cast.type_name);
  const PgQuery__TypeName* element = rules_.printed_by_server ? common_element_type(*cast.arg) : nullptr;
  // `v IN ('x', 'y')` of a varchar is printed as `(ARRAY['x'::varchar, …])::text[]`; read back, the cast would move to
  // the elements (parse_expr.c, transformTypeCast) and be printed differently. A cast to the array's own type stops it.
  if (cast.type_name->n_array_bounds > 0 && element != nullptr) {
    return fmt::format("(({})::{}[])::{}", value, render_type(*element), type);
  }
  return fmt::format("({})::{}", value, type);
}

std::string ExpressionRenderer::render_row(const PgQuery__RowExpr& row) const {
  const bool implicit = row.row_format == PG_QUERY__COERCION_FORM__COERCE_IMPLICIT_CAST && row.n_args > 1;
  return fmt::format("{}({})", implicit ? "" : "ROW", list(row.args, row.n_args));
}

std::string ExpressionRenderer::render_indirection(const PgQuery__AIndirection& indirection) const {
  std::string result = fmt::format("({})", render(*indirection.arg));
  for (std::size_t i = 0; i < indirection.n_indirection; ++i) {
    const PgQuery__Node& step = *indirection.indirection[i];
    if (step.node_case == PG_QUERY__NODE__NODE_STRING) {
      result += "." + quote_identifier(string_of(step));
    } else if (step.node_case == PG_QUERY__NODE__NODE_A_INDICES) {
      const PgQuery__AIndices& indices = *step.a_indices;
      const std::string upper = indices.uidx != nullptr ? render(*indices.uidx) : "";
      const std::string lower = indices.lidx != nullptr ? render(*indices.lidx) : "";
      result += indices.is_slice != 0 ? fmt::format("[{} : {}]", lower, upper) : fmt::format("[{}]", upper);
    } else {
      refuse("a star");
    }
  }
  return result;
}

std::string ExpressionRenderer::render_subquery(const PgQuery__SubLink& link) const {
  // `(SELECT f())` is how policies make the server call a function once; it has no names of its own.
  const bool plain = link.sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK &&
                     link.subselect->node_case == PG_QUERY__NODE__NODE_SELECT_STMT;
  const PgQuery__Node* target = plain ? only_target(*link.subselect->select_stmt) : nullptr;
  if (target == nullptr) refuse("a subquery");
  return fmt::format("(SELECT {})", render(*target));
}

std::string ExpressionRenderer::render_type(const PgQuery__TypeName& type) const {
  if (type.setof != 0 || type.pct_type != 0) refuse("SETOF or %TYPE");
  const std::vector<std::string> names = name_parts(type.names, type.n_names);
  // The grammar puts the types that it knows by keyword into pg_catalog, so that the keyword needs no schema.
  std::optional<std::string> text;
  if (names.size() == 2 && names.front() == "pg_catalog") text = keyword_spelling(names.back(), type);
  if (!text) text = qualified('t', names) + render_modifiers(type);
  for (std::size_t i = 0; i < type.n_array_bounds; ++i) {
    const PgQuery__Node& bound = *type.array_bounds[i];
    const int size = bound.node_case == PG_QUERY__NODE__NODE_INTEGER ? bound.integer->ival : -1;
    *text += size >= 0 ? fmt::format("[{}]", size) : "[]";
  }
  return *text;
}

std::string ExpressionRenderer::render(const PgQuery__Node& node) const {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF: return render_column(*node.column_ref);
    case PG_QUERY__NODE__NODE_A_CONST: return render_constant(*node.a_const);
    case PG_QUERY__NODE__NODE_PARAM_REF: return fmt::format("${}", node.param_ref->number);
    case PG_QUERY__NODE__NODE_A_EXPR: return render_operation(*node.a_expr);
    case PG_QUERY__NODE__NODE_BOOL_EXPR: return render_logic(*node.bool_expr);
    case PG_QUERY__NODE__NODE_FUNC_CALL: return render_call(*node.func_call);
    case PG_QUERY__NODE__NODE_NAMED_ARG_EXPR:
      return fmt::format("{} => {}", quote_identifier(node.named_arg_expr->name), render(*node.named_arg_expr->arg));
    case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return render_session_value(*node.sqlvalue_function);
    case PG_QUERY__NODE__NODE_TYPE_CAST: return render_cast(*node.type_cast);
    case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: {
      const PgQuery__CollateClause& clause = *node.collate_clause;
      return fmt::format("({} COLLATE {})", render(*clause.arg),
                         qualified('c', name_parts(clause.collname, clause.n_collname)));
    }
    case PG_QUERY__NODE__NODE_CASE_EXPR: return render_case(*node.case_expr);
    case PG_QUERY__NODE__NODE_COALESCE_EXPR:
      return fmt::format("COALESCE({})", list(node.coalesce_expr->args, node.coalesce_expr->n_args));
    case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
      return fmt::format("{}({})", node.min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "GREATEST" : "LEAST",
                         list(node.min_max_expr->args, node.min_max_expr->n_args));
    case PG_QUERY__NODE__NODE_NULL_TEST:
      return fmt::format("({} IS {}NULL)", render(*node.null_test->arg),
                         node.null_test->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL ? "NOT " : "");
    case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
      return fmt::format("({} IS {})", render(*node.boolean_test->arg), truth_test(node.boolean_test->booltesttype));
    case PG_QUERY__NODE__NODE_ROW_EXPR: return render_row(*node.row_expr);
    case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
      return fmt::format("ARRAY[{}]", list(node.a_array_expr->elements, node.a_array_expr->n_elements));
    case PG_QUERY__NODE__NODE_A_INDIRECTION: return render_indirection(*node.a_indirection);
    case PG_QUERY__NODE__NODE_SUB_LINK: return render_subquery(*node.sub_link);
    case PG_QUERY__NODE__NODE_XML_EXPR:
    case PG_QUERY__NODE__NODE_XML_SERIALIZE: refuse("XML syntax");
    case PG_QUERY__NODE__NODE_SET_TO_DEFAULT: refuse("DEFAULT");
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: refuse("GROUPING");
    default: refuse("a form that Falsework does not know");
  }
}

std::string render_expression(const PgQuery__Node& node, const NameRules& rules, std::string_view source) {
  return ExpressionRenderer(rules, source).render(node);
}

void verify_rendering(const PgQuery__Node& node, std::string_view source) {
  const std::string text = render_expression(node, {}, source);
  const ParsedExpression again = parse_expression(text);
  if (same_tree(node.base, again.node->base)) return;
  throw Error(errors::kExpressionInvalid,
              fmt::format("expression `{}` cannot be rendered faithfully: `{}` means something else", excerpt(source),
                          excerpt(text)),
              "Write the expression in another way, and report this.");
}

}  // namespace falsework::pg
