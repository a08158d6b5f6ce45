// The values of a declaration, which both forms share: names, types, expressions, labels.
//
// One rule: whatever form it comes from, an equal value is equal afterwards; `where` is file and line, or file and JSON
// path, and starts every message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/identifier.h"
#include "planner/change.h"

namespace falsework::declare {

// Throws Error(declaration.invalid): `where: message`.
[[noreturn]] void refuse(const std::string& where, const std::string& message, const std::string& hint);

// A name as the JSON form writes it: taken literally (no folding to lower case), except that double quotes protect
// what they enclose (`""` inside is one quote) and a dot outside of them separates. One part is asked for, or up to
// two.
std::string read_name(std::string_view written, const std::string& where);
QualifiedName read_qualified(std::string_view written, const std::string& where);

// Refuses what PostgreSQL would reject or cut: an empty name, one longer than 63 bytes.
void check_name(std::string_view name, const std::string& where);

// Refuses a piece of SQL that holds a name which PostgreSQL would cut.
void check_identifiers(std::string_view sql, const std::string& where);

// A type, canonical; an expression, as the parser renders it, so that its spelling does not matter. `key` names it.
std::string read_type(const std::string& written, const std::string& where);
std::string read_expression(const std::string& written, std::string_view key, const std::string& where);

// The name of a migration: ASCII letters, digits, `_`, `.` and `-`, at most 100, not starting with `.` or `-`.
void check_migration_name(const std::string& name, const std::string& where);
bool is_migration_name(std::string_view name);

// A release label or a time zone: not empty, no control characters, no white space at either end.
void check_label(const std::string& label, std::string_view key, const std::string& where);

// pg_constraint's letter for `cascade`, `set null`, …; throws with the known words.
char read_action(const std::string& word, std::string_view key, const std::string& where);
std::string_view action_word(char letter);

// What is wrong with a change as a whole, whatever form it came from: column lists that do not match, and so on.
void check_change(const Change& change);

}  // namespace falsework::declare
