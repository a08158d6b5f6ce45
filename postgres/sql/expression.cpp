// inspect_expression and rewrite_expression (postgres/sql/syntax.h).
#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base/error_kinds.h"
#include "base/identifier.h"
#include "postgres/sql/parse_tree.h"
#include "postgres/sql/render_expression.h"
#include "postgres/sql/syntax.h"

namespace falsework::pg {

namespace {

// pg_proc of PostgreSQL 18, prokind = 'a': what is an aggregate although it looks like any function.
bool is_aggregate(const std::vector<std::string>& name) {
  static const std::set<std::string> kAggregates = {"any_value",
                                                    "array_agg",
                                                    "avg",
                                                    "bit_and",
                                                    "bit_or",
                                                    "bit_xor",
                                                    "bool_and",
                                                    "bool_or",
                                                    "corr",
                                                    "count",
                                                    "covar_pop",
                                                    "covar_samp",
                                                    "cume_dist",
                                                    "dense_rank",
                                                    "every",
                                                    "json_agg",
                                                    "json_agg_strict",
                                                    "json_object_agg",
                                                    "json_object_agg_strict",
                                                    "json_object_agg_unique",
                                                    "json_object_agg_unique_strict",
                                                    "jsonb_agg",
                                                    "jsonb_agg_strict",
                                                    "jsonb_object_agg",
                                                    "jsonb_object_agg_strict",
                                                    "jsonb_object_agg_unique",
                                                    "jsonb_object_agg_unique_strict",
                                                    "max",
                                                    "min",
                                                    "mode",
                                                    "percent_rank",
                                                    "percentile_cont",
                                                    "percentile_disc",
                                                    "range_agg",
                                                    "range_intersect_agg",
                                                    "rank",
                                                    "regr_avgx",
                                                    "regr_avgy",
                                                    "regr_count",
                                                    "regr_intercept",
                                                    "regr_r2",
                                                    "regr_slope",
                                                    "regr_sxx",
                                                    "regr_sxy",
                                                    "regr_syy",
                                                    "stddev",
                                                    "stddev_pop",
                                                    "stddev_samp",
                                                    "string_agg",
                                                    "sum",
                                                    "var_pop",
                                                    "var_samp",
                                                    "variance",
                                                    "xmlagg"};
  return name.size() == 1 && kAggregates.count(name.front()) > 0;
}

void note_function(const PgQuery__FuncCall& call, ExpressionFacts& facts) {
  std::vector<std::string> name = name_parts(call.funcname, call.n_funcname);
  if (name.size() == 2 && name.front() == "pg_catalog") name.erase(name.begin());
  const bool aggregate = is_aggregate(name) || call.over != nullptr || call.agg_star != 0 || call.agg_distinct != 0 ||
                         call.agg_within_group != 0 || call.n_agg_order > 0 || call.agg_filter != nullptr;
  if (aggregate) facts.has_aggregate_or_window = true;
  facts.functions.push_back(std::move(name));
}

std::vector<std::string> column_path(const PgQuery__ColumnRef& column, std::string_view expression) {
  for (std::size_t i = 0; i < column.n_fields; ++i) {
    if (column.fields[i]->node_case != PG_QUERY__NODE__NODE_A_STAR) continue;
    throw Error(errors::kExpressionInvalid, fmt::format("expression `{}` holds a star", excerpt(expression)),
                "Name the columns that it reads.");
  }
  return name_parts(column.fields, column.n_fields);
}

std::string dotted(const std::vector<std::string>& path) {
  // A trigger's records; PL/pgSQL knows them in lower case, which `NEW` means only while it is not quoted.
  const bool record = path.size() == 2 && (path.front() == "NEW" || path.front() == "OLD");
  std::string result;
  for (const std::string& name : path) {
    result += result.empty() && record ? name : (result.empty() ? "" : ".") + quote_identifier(name);
  }
  return result;
}

// The path that a reference becomes, or nullptr.
const std::vector<std::string>* find_column(const std::vector<std::string>& path,
                                            const ColumnSubstitution& substitution) {
  std::string qualifier;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) qualifier += (i == 0 ? "" : ".") + path[i];
  if (!qualifier.empty() && substitution.qualifiers.count(qualifier) == 0) return nullptr;
  const auto found = substitution.columns.find(path.back());
  return found == substitution.columns.end() ? nullptr : &found->second;
}

}  // namespace

ExpressionFacts inspect_expression(std::string_view expression) {
  const ParsedExpression parsed = parse_expression(expression);
  ExpressionFacts facts;
  walk(parsed.node->base, [&](const ProtobufCMessage& message) {
    if (message.descriptor == &pg_query__column_ref__descriptor) {
      facts.columns.push_back(column_path(reinterpret_cast<const PgQuery__ColumnRef&>(message), expression));
    } else if (message.descriptor == &pg_query__func_call__descriptor) {
      note_function(reinterpret_cast<const PgQuery__FuncCall&>(message), facts);
    } else if (message.descriptor == &pg_query__sub_link__descriptor) {
      facts.has_subquery = true;
    } else if (message.descriptor == &pg_query__grouping_func__descriptor) {
      facts.has_aggregate_or_window = true;
    } else if (message.descriptor == &pg_query__param_ref__descriptor) {
      facts.has_parameter = true;
    } else if (message.descriptor == &pg_query__sqlvalue_function__descriptor) {
      facts.has_session_value = true;
    }
  });
  return facts;
}

std::string rewrite_expression(std::string_view expression, const ColumnSubstitution& substitution) {
  const ParsedExpression parsed = parse_expression(expression);
  verify_rendering(*parsed.node, expression);
  NameRules rules;
  rules.qualify = substitution.qualify;
  rules.column = [&](const std::vector<std::string>& path) {
    if (const std::vector<std::string>* target = find_column(path, substitution)) return dotted(*target);
    if (substitution.keep_unknown) return dotted(path);
    throw Error(errors::kExpressionInvalid,
                fmt::format("expression `{}` names {}, which is not a column that it can read", excerpt(expression),
                            dotted(path)),
                "Name columns of the table itself.");
  };
  return render_expression(*parsed.node, rules, expression);
}

}  // namespace falsework::pg
