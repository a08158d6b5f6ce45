// Definitions that the server printed, rendered anew with other names (postgres/sql/syntax.h).
#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <cstring>

#include "base/error_kinds.h"
#include "base/identifier.h"
#include "postgres/sql/parse_tree.h"
#include "postgres/sql/render_expression.h"
#include "postgres/sql/syntax.h"

namespace falsework::pg {

namespace {

using Renames = std::map<std::string, std::string>;

[[noreturn]] void refuse(std::string_view definition, const std::string& reason) {
  throw Error(errors::kChangeRefused,
              fmt::format("definition `{}` cannot be carried along: {}", excerpt(definition), reason),
              "Drop the object before the change and create it again after it.");
}

Tree parse_definition(std::string_view definition, const std::string& sql) {
  std::variant<Tree, SyntaxError> parsed = parse_sql(sql);
  if (const SyntaxError* error = std::get_if<SyntaxError>(&parsed)) {
    refuse(definition, error->message + " for the grammar of PostgreSQL 15");
  }
  Tree tree = std::get<Tree>(std::move(parsed));
  if (tree.size() != 1) refuse(definition, "it is not one statement");
  return tree;
}

const std::string& renamed(const std::string& column, const Renames& columns) {
  const auto found = columns.find(column);
  return found == columns.end() ? column : found->second;
}

std::string rewrite_node(const PgQuery__Node& node, const Renames& columns, std::string_view definition) {
  verify_rendering(node, definition);
  NameRules rules;
  rules.printed_by_server = true;
  rules.column = [&](std::vector<std::string> path) {
    path.back() = renamed(path.back(), columns);
    std::string result;
    for (const std::string& name : path) result += (result.empty() ? "" : ".") + quote_identifier(name);
    return result;
  };
  return render_expression(node, rules, definition);
}

std::string column_or_expression(const char* name, const PgQuery__Node* expression, const Renames& columns,
                                 std::string_view definition) {
  if (expression != nullptr) return "(" + rewrite_node(*expression, columns, definition) + ")";
  return quote_identifier(renamed(name, columns));
}

std::string dotted(PgQuery__Node* const* names, std::size_t count) {
  std::string result;
  for (const std::string& name : name_parts(names, count))
    result += (result.empty() ? "" : ".") + quote_identifier(name);
  return result;
}

std::string relation_name(const PgQuery__RangeVar& relation) {
  const std::string name = quote_identifier(relation.relname);
  return std::strlen(relation.schemaname) == 0 ? name : quote_identifier(relation.schemaname) + "." + name;
}

// The value of a storage option as text: the server compares it as text whatever way it was written.
std::string option_value(const PgQuery__Node& value, std::string_view definition) {
  switch (value.node_case) {
    case PG_QUERY__NODE__NODE_STRING: return value.string->sval;
    case PG_QUERY__NODE__NODE_INTEGER: return fmt::to_string(value.integer->ival);
    case PG_QUERY__NODE__NODE_FLOAT: return value.float_->fval;
    case PG_QUERY__NODE__NODE_BOOLEAN: return value.boolean->boolval != 0 ? "true" : "false";
    case PG_QUERY__NODE__NODE_TYPE_NAME: return string_of(*value.type_name->names[value.type_name->n_names - 1]);
    default: refuse(definition, "an option has a value of an unknown form");
  }
}

std::string render_options(PgQuery__Node* const* options, std::size_t count, std::string_view definition) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) {
    const PgQuery__DefElem& option = *options[i]->def_elem;
    result += result.empty() ? "(" : ", ";
    if (std::strlen(option.defnamespace) > 0) result += quote_identifier(option.defnamespace) + ".";
    result += quote_identifier(option.defname);
    if (option.arg != nullptr) result += "=" + quote_literal(option_value(*option.arg, definition));
  }
  return result + ")";
}

std::string render_element(const PgQuery__IndexElem& element, const Renames& columns, std::string_view definition) {
  std::string result = column_or_expression(element.name, element.expr, columns, definition);
  if (element.n_collation > 0) result += " COLLATE " + dotted(element.collation, element.n_collation);
  if (element.n_opclass > 0) result += " " + dotted(element.opclass, element.n_opclass);
  if (element.n_opclassopts > 0) result += " " + render_options(element.opclassopts, element.n_opclassopts, definition);
  if (element.ordering == PG_QUERY__SORT_BY_DIR__SORTBY_ASC) result += " ASC";
  if (element.ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC) result += " DESC";
  if (element.nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) result += " NULLS FIRST";
  if (element.nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST) result += " NULLS LAST";
  return result;
}

std::string render_elements(PgQuery__Node* const* elements, std::size_t count, const Renames& columns,
                            std::string_view definition) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) {
    result += (i == 0 ? "" : ", ") + render_element(*elements[i]->index_elem, columns, definition);
  }
  return "(" + result + ")";
}

}  // namespace

std::string rewrite_index(std::string_view definition, const std::string& new_name, bool concurrently,
                          const Renames& columns) {
  const Tree tree = parse_definition(definition, std::string(definition));
  if (tree.statement(0).node_case != PG_QUERY__NODE__NODE_INDEX_STMT) refuse(definition, "it is not CREATE INDEX");
  const PgQuery__IndexStmt& index = *tree.statement(0).index_stmt;
  std::string result = fmt::format("CREATE {}INDEX {}{} ON {}{}", index.unique != 0 ? "UNIQUE " : "",
                                   concurrently ? "CONCURRENTLY " : "", quote_identifier(new_name),
                                   index.relation->inh != 0 ? "" : "ONLY ", relation_name(*index.relation));
  if (std::strlen(index.access_method) > 0) result += fmt::format(" USING {}", quote_identifier(index.access_method));
  result += " " + render_elements(index.index_params, index.n_index_params, columns, definition);
  if (index.n_index_including_params > 0) {
    result += " INCLUDE " +
              render_elements(index.index_including_params, index.n_index_including_params, columns, definition);
  }
  if (index.nulls_not_distinct != 0) result += " NULLS NOT DISTINCT";
  if (index.n_options > 0) result += " WITH " + render_options(index.options, index.n_options, definition);
  if (std::strlen(index.table_space) > 0) result += fmt::format(" TABLESPACE {}", quote_identifier(index.table_space));
  if (index.where_clause != nullptr) result += " WHERE " + rewrite_node(*index.where_clause, columns, definition);
  return result;
}

std::vector<std::string> update_columns(std::string_view definition) {
  const std::variant<Tree, SyntaxError> parsed = parse_sql(std::string(definition));
  const Tree* tree = std::get_if<Tree>(&parsed);
  if (tree == nullptr || tree->size() != 1) return {};
  if (tree->statement(0).node_case != PG_QUERY__NODE__NODE_CREATE_TRIG_STMT) return {};
  const PgQuery__CreateTrigStmt& trigger = *tree->statement(0).create_trig_stmt;
  return name_parts(trigger.columns, trigger.n_columns);
}

std::string rewrite_check(std::string_view definition, const Renames& columns) {
  const Tree tree = parse_definition(definition, fmt::format("ALTER TABLE t ADD CONSTRAINT c {}", definition));
  const PgQuery__Constraint* constraint = nullptr;
  if (tree.statement(0).node_case == PG_QUERY__NODE__NODE_ALTER_TABLE_STMT &&
      tree.statement(0).alter_table_stmt->n_cmds == 1) {
    const PgQuery__AlterTableCmd& command = *tree.statement(0).alter_table_stmt->cmds[0]->alter_table_cmd;
    if (command.def != nullptr && command.def->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
      constraint = command.def->constraint;
    }
  }
  if (constraint == nullptr || constraint->contype != PG_QUERY__CONSTR_TYPE__CONSTR_CHECK) {
    refuse(definition, "it is not a CHECK constraint");
  }
  return rewrite_node(*constraint->raw_expr, columns, definition);
}

std::string rewrite_statistics(std::string_view definition, const std::string& schema, const std::string& new_name,
                               const Renames& columns) {
  const Tree tree = parse_definition(definition, std::string(definition));
  if (tree.statement(0).node_case != PG_QUERY__NODE__NODE_CREATE_STATS_STMT) {
    refuse(definition, "it is not CREATE STATISTICS");
  }
  const PgQuery__CreateStatsStmt& statistics = *tree.statement(0).create_stats_stmt;
  if (statistics.n_relations != 1 || statistics.relations[0]->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) {
    refuse(definition, "it is not on one table");
  }
  std::string kinds;
  for (std::size_t i = 0; i < statistics.n_stat_types; ++i) {
    kinds += (i == 0 ? " (" : ", ") + string_of(*statistics.stat_types[i]);
  }
  if (!kinds.empty()) kinds += ")";
  std::string targets;
  for (std::size_t i = 0; i < statistics.n_exprs; ++i) {
    const PgQuery__StatsElem& element = *statistics.exprs[i]->stats_elem;
    targets += (i == 0 ? "" : ", ") + column_or_expression(element.name, element.expr, columns, definition);
  }
  return fmt::format("CREATE STATISTICS {}{} ON {} FROM {}", QualifiedName{schema, new_name}.sql(), kinds, targets,
                     relation_name(*statistics.relations[0]->range_var));
}

std::vector<QualifiedName> relations_of(std::string_view query) {
  const Tree tree = parse_definition(query, std::string(query));
  std::set<QualifiedName> relations;
  walk(tree.statement(0).base, [&](const ProtobufCMessage& message) {
    if (message.descriptor != &pg_query__range_var__descriptor) return;
    const auto& relation = reinterpret_cast<const PgQuery__RangeVar&>(message);
    if (std::strlen(relation.schemaname) > 0) relations.insert({relation.schemaname, relation.relname});
  });
  return {relations.begin(), relations.end()};
}

}  // namespace falsework::pg
