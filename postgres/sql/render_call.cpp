// Function calls, and those that the SQL standard spells in words.
#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base/identifier.h"
#include "postgres/sql/expression_renderer.h"
#include "postgres/sql/parse_tree.h"

namespace falsework::pg {

std::string ExpressionRenderer::arguments(const PgQuery__FuncCall& call) const {
  std::string result;
  for (std::size_t i = 0; i < call.n_args; ++i) {
    if (i > 0) result += ", ";
    if (call.func_variadic != 0 && i + 1 == call.n_args) result += "VARIADIC ";
    result += render(*call.args[i]);
  }
  return result;
}

std::string ExpressionRenderer::render_call(const PgQuery__FuncCall& call) const {
  if (call.over != nullptr) refuse("a window function");
  if (call.agg_star != 0 || call.agg_distinct != 0 || call.agg_within_group != 0 || call.n_agg_order > 0 ||
      call.agg_filter != nullptr) {
    refuse("an aggregate");
  }
  if (call.funcformat == PG_QUERY__COERCION_FORM__COERCE_SQL_SYNTAX) {
    std::string text = render_sql_syntax(call);
    if (!text.empty()) return text;
    refuse(fmt::format("{} in SQL syntax", string_of(*call.funcname[call.n_funcname - 1])));
  }
  return fmt::format("{}({})", qualified('f', name_parts(call.funcname, call.n_funcname)), arguments(call));
}

// The words are kept, for the catalog keeps them too and prints them again. The grammar puts all of these functions
// into pg_catalog. Empty: not one of them.
std::string ExpressionRenderer::render_sql_syntax(const PgQuery__FuncCall& call) const {
  const std::string name = string_of(*call.funcname[call.n_funcname - 1]);
  const auto argument = [&](std::size_t i) { return render(*call.args[i]); };
  const auto form = [&]() -> std::string {
    const PgQuery__Node& word = *call.args[call.n_args - 1];
    return word.node_case == PG_QUERY__NODE__NODE_A_CONST && word.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL
               ? word.a_const->sval->sval
               : "";
  };
  const auto trim = [&](std::string_view side) {
    return call.n_args == 1 ? fmt::format("TRIM({} FROM {})", side, argument(0))
                            : fmt::format("TRIM({} {} FROM {})", side, argument(1), argument(0));
  };
  if (name == "timezone" && call.n_args == 2) return fmt::format("({} AT TIME ZONE {})", argument(1), argument(0));
  if (name == "extract") return fmt::format("EXTRACT({} FROM {})", argument(0), argument(1));
  if (name == "position") return fmt::format("POSITION({} IN {})", argument(1), argument(0));
  if (name == "substring" && call.n_args == 2) return fmt::format("SUBSTRING({} FROM {})", argument(0), argument(1));
  if (name == "substring" && call.n_args == 3) {
    return fmt::format("SUBSTRING({} FROM {} FOR {})", argument(0), argument(1), argument(2));
  }
  if (name == "overlay" && call.n_args == 3) {
    return fmt::format("OVERLAY({} PLACING {} FROM {})", argument(0), argument(1), argument(2));
  }
  if (name == "overlay" && call.n_args == 4) {
    return fmt::format("OVERLAY({} PLACING {} FROM {} FOR {})", argument(0), argument(1), argument(2), argument(3));
  }
  if (name == "btrim") return trim("BOTH");
  if (name == "ltrim") return trim("LEADING");
  if (name == "rtrim") return trim("TRAILING");
  if (name == "normalize" && call.n_args == 1) return fmt::format("NORMALIZE({})", argument(0));
  if (name == "normalize") return fmt::format("NORMALIZE({}, {})", argument(0), form());
  if (name == "is_normalized" && call.n_args == 1) return fmt::format("({} IS NORMALIZED)", argument(0));
  if (name == "is_normalized") return fmt::format("({} IS {} NORMALIZED)", argument(0), form());
  if (name == "pg_collation_for") return fmt::format("COLLATION FOR ({})", argument(0));
  if (name == "overlaps" && call.n_args == 4) {
    return fmt::format("(({}, {}) OVERLAPS ({}, {}))", argument(0), argument(1), argument(2), argument(3));
  }
  return {};
}

}  // namespace falsework::pg
