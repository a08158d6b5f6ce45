// libpg_query's trees, owned. Private to postgres/sql: the package's own header is included by .cpp files only.
//
// One rule: a tree is read, never edited; what changes is decided while it is rendered (render_expression.h).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "postgres/sql/syntax.h"

struct PgQuery__ParseResult;
struct PgQuery__Node;
struct PgQuery__SelectStmt;
struct ProtobufCMessage;

namespace falsework::pg {

// The statements of one text, as the grammar of PostgreSQL 15 reads them.
class Tree {
 public:
  explicit Tree(PgQuery__ParseResult* result) : result_(result) {}

  std::size_t size() const;
  const PgQuery__Node& statement(std::size_t i) const;

 private:
  struct Free {
    void operator()(PgQuery__ParseResult* result) const;
  };
  std::unique_ptr<PgQuery__ParseResult, Free> result_;
};

// Parses a text of at most 32 KiB; deeper nesting than some hundred operations is an error too.
std::variant<Tree, SyntaxError> parse_sql(const std::string& sql);

// The beginning of a text, for messages.
std::string excerpt(std::string_view sql);

// An expression and the tree that holds it.
struct ParsedExpression {
  Tree tree;
  const PgQuery__Node* node;
};

// Parses exactly one scalar expression. Throws Error(expression.invalid).
ParsedExpression parse_expression(std::string_view expression);

// The expression of `SELECT <expression>`, or nullptr when there is anything else in the statement.
const PgQuery__Node* only_target(const PgQuery__SelectStmt& select);

// A name as the tree holds it: a String node, or a list of them.
std::string string_of(const PgQuery__Node& name);
std::vector<std::string> name_parts(PgQuery__Node* const* names, std::size_t count);

// Calls `visit` for every message of the tree, parents first, in the order of the text as far as the tree keeps it.
void walk(const ProtobufCMessage& message, const std::function<void(const ProtobufCMessage&)>& visit);

// Whether two trees are equal but for where their parts stood in the text.
bool same_tree(const ProtobufCMessage& a, const ProtobufCMessage& b);

}  // namespace falsework::pg
