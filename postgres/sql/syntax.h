// PostgreSQL's own parser, as values: what a statement or an expression is made of, and how to rename inside it.
//
// One rule: SQL text is never edited as text. It is parsed, its tree is changed, and it is rendered again.
// The grammar is PostgreSQL 15's (libpg_query 15-4.0); newer syntax is reported as such.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/identifier.h"

namespace falsework::pg {

struct SyntaxError {
  std::string message;
  std::size_t offset = 0;  // bytes from the start of the text
};

// One statement of a script: its text without the semicolon, where it starts, and the comments that belong to it.
struct ScriptStatement {
  std::string text;
  std::size_t offset = 0;
  int line = 1;  // of its first token, from 1
  // `-- …` before it on lines of their own, within it, and after it on its last line: without dashes, trimmed.
  std::vector<std::string> comments;
};

struct Script {
  // Comments before the first statement that are set off from it by a blank line, and all `-- falsework:` ones of the
  // head. A `-- falsework:` comment after the last statement is an error.
  std::vector<std::string> header;
  std::vector<ScriptStatement> statements;
};

// Splits a script by PostgreSQL's own scanner. Throws Error(declaration.invalid) with `file` and the line.
Script split_script(std::string_view sql, const std::string& file);

// The first identifier that is longer than 63 bytes, as written: the grammar cuts such names silently.
std::optional<std::string> overlong_identifier(std::string_view sql);

// An expression: what it names. Column references are lists of identifiers (`a`, `t.a`).
struct ExpressionFacts {
  std::vector<std::vector<std::string>> columns;    // in order of appearance
  std::vector<std::vector<std::string>> functions;  // (schema,) name, without pg_catalog
  bool has_subquery = false;
  bool has_aggregate_or_window = false;
  bool has_parameter = false;
  bool has_session_value = false;  // CURRENT_TIMESTAMP, CURRENT_USER and their like
};

// Parses exactly one scalar expression. Throws Error(expression.invalid): not one expression, a terminator, a star.
ExpressionFacts inspect_expression(std::string_view expression);

// Replaces column references and qualifies names; returns the rendered expression.
// `columns` maps a bare column name to a path: {"email" -> {"NEW","email"}}. A reference `t.email` with t in
// `qualifiers` counts as bare. A column not in the map throws Error(expression.invalid) that names it.
// A target path of "NEW" or "OLD" and a column names a trigger's record.
// When `qualify` is set, unqualified functions, types, operators and collations are put into the schema that it answers
// (kind: 'f' function, 't' type, 'o' operator, 'c' collation; an empty answer leaves the name as it is), so that no
// search_path can change their meaning. Forms that hide an operator (IN, LIKE, BETWEEN, NULLIF, IS DISTINCT FROM,
// CASE x WHEN) are then spelled out, and their operands may be evaluated twice: immutable expressions do not notice.
// Throws Error(expression.invalid) for what cannot be carried along: a subquery with FROM, an aggregate, XML syntax.
struct ColumnSubstitution {
  std::map<std::string, std::vector<std::string>> columns;
  std::set<std::string> qualifiers;
  bool keep_unknown = false;  // leave columns that are not in the map as they are
  std::function<std::string(char kind, const std::string& name)> qualify;
};
std::string rewrite_expression(std::string_view expression, const ColumnSubstitution& substitution);

// The pieces of `CREATE INDEX` as pg_get_indexdef spells it, with columns renamed. The statement is rendered anew with
// another name, and CONCURRENTLY if asked; nothing else changes (opclass, collation, order, INCLUDE, WHERE, WITH).
// This and the next two throw Error(change.refused) that holds the definition, where the grammar does not know it.
std::string rewrite_index(std::string_view definition, const std::string& new_name, bool concurrently,
                          const std::map<std::string, std::string>& columns);

// The expression inside `CHECK (…)` as pg_get_constraintdef spells it, with columns renamed.
std::string rewrite_check(std::string_view definition, const std::map<std::string, std::string>& columns);

// `CREATE STATISTICS` as pg_get_statisticsobjdef spells it, with columns renamed and another name.
std::string rewrite_statistics(std::string_view definition, const std::string& schema, const std::string& new_name,
                               const std::map<std::string, std::string>& columns);

// The columns after UPDATE OF in `CREATE TRIGGER` as pg_get_triggerdef spells it; empty when it has none, or when the
// grammar does not know the definition.
std::vector<std::string> update_columns(std::string_view definition);

// The relations that a query names with their schema, sorted, each once: what a view reads.
std::vector<QualifiedName> relations_of(std::string_view query);

}  // namespace falsework::pg
