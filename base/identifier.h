// SQL identifiers and literals: the only place where Falsework quotes anything.
//
// One rule: text that comes from outside reaches SQL through these functions or as a bound parameter, in no other way.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

namespace falsework {

inline constexpr std::size_t kMaxIdentifierBytes = 63;  // NAMEDATALEN - 1

// Renders an identifier, quoted unless it is lower-case ASCII and no keyword of PostgreSQL 14–18.
// Throws Error(usage) for an empty name, one with a NUL byte, or one that is not UTF-8.
std::string quote_identifier(std::string_view name);

// Renders a string literal: '…' with quotes doubled, E'…' where a backslash occurs. Throws on a NUL byte.
std::string quote_literal(std::string_view text);

// Renders `a, b, c`, each quoted.
std::string quote_identifiers(const std::vector<std::string>& names);

// Renders a dollar-quoted string whose tag does not occur in `body`; deterministic.
std::string dollar_quote(std::string_view body);

// The name of a relation, function or type: schema and name, both unquoted.
struct QualifiedName {
  std::string schema;
  std::string name;

  auto operator<=>(const QualifiedName&) const = default;
  bool operator==(const QualifiedName&) const = default;

  // Renders `schema.name`, quoted where needed: for SQL.
  std::string sql() const;
  // Renders for people and as a key: like sql(), without the schema when it is `public`.
  std::string display() const;
};

// Whether a text is well-formed UTF-8 (Unicode 15, table 3-7).
bool is_utf8(std::string_view text);

// Cuts at most `bytes` bytes from the front, never inside a UTF-8 character.
std::string_view cut_utf8(std::string_view text, std::size_t bytes);

// Makes a name for an object of ours: `_fw_<role>_<readable>_<hash>`. Deterministic, at most 63 bytes, and different
// for different `parts` (the hash covers the role and all of them in full).
std::string generated_name(std::string_view role, const std::vector<std::string>& parts);

}  // namespace falsework
