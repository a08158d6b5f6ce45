#include "postgres/sql/naming.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <set>
#include <vector>

#include "postgres/sql/parse_tree.h"
#include "postgres/sql/tokens.h"

namespace falsework::pg {

namespace {

constexpr int kDeepestLiteral = 4;  // dynamic SQL inside dynamic SQL

template <typename Message>
const Message* as(const ProtobufCMessage& message, const ProtobufCMessageDescriptor& descriptor) {
  return message.descriptor == &descriptor ? reinterpret_cast<const Message*>(&message) : nullptr;
}

bool is_string(const PgQuery__Node& node, std::string_view text) {
  return node.node_case == PG_QUERY__NODE__NODE_STRING && node.string->sval == text;
}

bool any_string(PgQuery__Node* const* nodes, std::size_t count, std::string_view text) {
  return std::any_of(nodes, nodes + count, [&](const PgQuery__Node* node) { return is_string(*node, text); });
}

bool is_table(const PgQuery__RangeVar* relation, const QualifiedName& table) {
  if (relation == nullptr || relation->relname != table.name) return false;
  return std::strlen(relation->schemaname) == 0 || relation->schemaname == table.schema;
}

// Columns that are written: `INSERT INTO t (…)`, `SET … =`. Elsewhere the name of a target is an alias.
bool any_target(PgQuery__Node* const* targets, std::size_t count, const std::string& column) {
  return std::any_of(targets, targets + count, [&](const PgQuery__Node* target) {
    return target->node_case == PG_QUERY__NODE__NODE_RES_TARGET && target->res_target->name == column;
  });
}

bool any_index_element(const PgQuery__InferClause* infer, const std::string& column) {
  if (infer == nullptr) return false;
  return std::any_of(infer->index_elems, infer->index_elems + infer->n_index_elems, [&](const PgQuery__Node* element) {
    return element->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM && element->index_elem->name == column;
  });
}

class Search {
 public:
  Search(const QualifiedName& table, const std::string& column) : table_(table), column_(column) {}

  bool finds_in(const PgQuery__Node& statement) {
    walk(statement.base, [&](const ProtobufCMessage& message) { note_relation(message); });
    if (names_.empty()) return false;
    walk(statement.base, [&](const ProtobufCMessage& message) { found_ = found_ || is_named_by(message); });
    return found_;
  }

 private:
  void note_relation(const ProtobufCMessage& message) {
    const auto* relation = as<PgQuery__RangeVar>(message, pg_query__range_var__descriptor);
    if (!is_table(relation, table_)) return;
    names_.insert(relation->alias != nullptr ? relation->alias->aliasname : relation->relname);
  }

  bool is_named_by(const ProtobufCMessage& message) const {
    if (const auto* ref = as<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor)) return is_ours(*ref);
    if (const auto* insert = as<PgQuery__InsertStmt>(message, pg_query__insert_stmt__descriptor)) {
      return is_table(insert->relation, table_) && any_target(insert->cols, insert->n_cols, column_);
    }
    if (const auto* conflict = as<PgQuery__OnConflictClause>(message, pg_query__on_conflict_clause__descriptor)) {
      return any_target(conflict->target_list, conflict->n_target_list, column_) ||
             any_index_element(conflict->infer, column_);
    }
    if (const auto* update = as<PgQuery__UpdateStmt>(message, pg_query__update_stmt__descriptor)) {
      return is_table(update->relation, table_) && any_target(update->target_list, update->n_target_list, column_);
    }
    if (const auto* merge = as<PgQuery__MergeWhenClause>(message, pg_query__merge_when_clause__descriptor)) {
      return any_target(merge->target_list, merge->n_target_list, column_);
    }
    if (const auto* copy = as<PgQuery__CopyStmt>(message, pg_query__copy_stmt__descriptor)) {
      return any_string(copy->attlist, copy->n_attlist, column_);
    }
    if (const auto* join = as<PgQuery__JoinExpr>(message, pg_query__join_expr__descriptor)) {
      return any_string(join->using_clause, join->n_using_clause, column_);
    }
    const auto* field = as<PgQuery__AIndirection>(message, pg_query__a__indirection__descriptor);
    return field != nullptr && any_string(field->indirection, field->n_indirection, column_);
  }

  // `email`, `u.email`, `app.users.email`.
  bool is_ours(const PgQuery__ColumnRef& ref) const {
    if (ref.n_fields == 0 || !is_string(*ref.fields[ref.n_fields - 1], column_)) return false;
    if (ref.n_fields == 1) return true;
    const PgQuery__Node& qualifier = *ref.fields[ref.n_fields - 2];
    return qualifier.node_case == PG_QUERY__NODE__NODE_STRING && names_.contains(qualifier.string->sval);
  }

  const QualifiedName& table_;
  const std::string& column_;
  std::set<std::string> names_;  // that the table goes by in the statement
  bool found_ = false;
};

bool is_constant(const PgQuery__Node& node, std::string_view text) {
  return node.node_case == PG_QUERY__NODE__NODE_A_CONST && node.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL &&
         node.a_const->sval->sval == text;
}

bool is_set(const ProtobufCMessage& message, std::string_view setting, std::string_view value) {
  if (const auto* set = as<PgQuery__VariableSetStmt>(message, pg_query__variable_set_stmt__descriptor)) {
    return set->name == setting && set->n_args == 1 && is_constant(*set->args[0], value);
  }
  const auto* call = as<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
  return call != nullptr && call->n_funcname > 0 && call->n_args >= 2 &&
         is_string(*call->funcname[call->n_funcname - 1], "set_config") && is_constant(*call->args[0], setting) &&
         is_constant(*call->args[1], value);
}

// A token as a name: folded unless it stands in double quotes.
std::string name_of(std::string_view token) {
  std::string name;
  if (token.size() >= 2 && token.front() == '"' && token.back() == '"') {
    for (std::size_t i = 1; i + 1 < token.size(); ++i) {
      name += token[i];
      if (token[i] == '"') ++i;
    }
    return name;
  }
  for (const char c : token) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

// What a string constant holds; empty for any other token.
std::string_view inside_literal(std::string_view token) {
  const std::size_t quote = token.find('\'');
  if (quote <= 2 && token.back() == '\'' && token.size() > quote + 1) {
    return token.substr(quote + 1, token.size() - quote - 2);
  }
  if (token.front() != '$') return {};
  const std::size_t tag = token.find('$', 1);
  if (tag == std::string_view::npos || token.size() < 2 * (tag + 1)) return {};
  return token.substr(tag + 1, token.size() - 2 * (tag + 1));
}

bool mentions(const std::string& text, std::string_view name, int depth) {
  const Tokens tokens(text);
  if (!tokens.error().empty()) return text.find(name) != std::string::npos;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const PgQuery__ScanToken& token = tokens[i];
    if (token.token == PG_QUERY__TOKEN__SQL_COMMENT || token.token == PG_QUERY__TOKEN__C_COMMENT) continue;
    const std::string_view slice = std::string_view(text).substr(static_cast<std::size_t>(token.start),
                                                                 static_cast<std::size_t>(token.end - token.start));
    if (slice.empty()) continue;
    if (name_of(slice) == name) return true;
    const std::string_view literal = inside_literal(slice);
    if (!literal.empty() && depth < kDeepestLiteral && mentions(std::string(literal), name, depth + 1)) return true;
  }
  return false;
}

}  // namespace

bool names_column(const std::string& statement, const QualifiedName& table, const std::string& column) {
  const std::variant<Tree, SyntaxError> parsed = parse_sql(statement);
  const Tree* tree = std::get_if<Tree>(&parsed);
  if (tree == nullptr) return mentions_name(statement, table.name) && mentions_name(statement, column);
  for (std::size_t i = 0; i < tree->size(); ++i) {
    if (Search(table, column).finds_in(tree->statement(i))) return true;
  }
  return false;
}

bool sets_to(const std::string& statement, std::string_view setting, std::string_view value) {
  const std::variant<Tree, SyntaxError> parsed = parse_sql(statement);
  const Tree* tree = std::get_if<Tree>(&parsed);
  if (tree == nullptr) return false;
  bool found = false;
  for (std::size_t i = 0; i < tree->size(); ++i) {
    walk(tree->statement(i).base,
         [&](const ProtobufCMessage& message) { found = found || is_set(message, setting, value); });
  }
  return found;
}

bool mentions_name(const std::string& text, std::string_view name) { return mentions(text, name, 0); }

std::optional<std::string> why_not_a_query(const std::string& text) {
  const std::variant<Tree, SyntaxError> parsed = parse_sql(text);
  if (const auto* error = std::get_if<SyntaxError>(&parsed)) return error->message;
  const Tree& tree = std::get<Tree>(parsed);
  if (tree.size() != 1) return "it is not one statement";
  if (tree.statement(0).node_case != PG_QUERY__NODE__NODE_SELECT_STMT) return "it is not a SELECT";
  return std::nullopt;
}

}  // namespace falsework::pg
