// overlong_identifier (postgres/sql/syntax.h).
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base/identifier.h"
#include "postgres/sql/syntax.h"
#include "postgres/sql/tokens.h"

namespace falsework::pg {

namespace {

std::string unquoted(std::string_view token) {
  if (token.size() < 2 || token.front() != '"' || token.back() != '"') return std::string(token);
  std::string name;
  for (std::size_t i = 1; i + 1 < token.size(); ++i) {
    name += token[i];
    if (token[i] == '"') ++i;
  }
  return name;
}

}  // namespace

std::optional<std::string> overlong_identifier(std::string_view sql) {
  const Tokens tokens{std::string(sql)};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const PgQuery__ScanToken& token = tokens[i];
    if (token.token != PG_QUERY__TOKEN__IDENT) continue;
    const auto start = static_cast<std::size_t>(token.start);
    std::string name = unquoted(sql.substr(start, static_cast<std::size_t>(token.end) - start));
    if (name.size() > kMaxIdentifierBytes) return name;
  }
  return std::nullopt;
}

}  // namespace falsework::pg
