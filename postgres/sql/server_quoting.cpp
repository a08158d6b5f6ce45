#include "postgres/sql/server_quoting.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include "base/identifier.h"
#include "postgres/sql/tokens.h"

namespace falsework::pg {

std::string quote_as_server(std::string_view name) {
  std::string quoted = quote_identifier(name);
  if (quoted.front() != '"' ||
      quoted.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", 1) != quoted.size() - 1) {
    return quoted;
  }
  const Tokens tokens{std::string(name)};
  if (tokens.size() != 1) return quoted;
  // No keyword here but one for quote_identifier: younger than this grammar (`json`), and those are unreserved.
  const PgQuery__KeywordKind kind = tokens[0].keyword_kind;
  const bool bare = kind == PG_QUERY__KEYWORD_KIND__NO_KEYWORD || kind == PG_QUERY__KEYWORD_KIND__UNRESERVED_KEYWORD;
  return bare ? std::string(name) : quoted;
}

}  // namespace falsework::pg
