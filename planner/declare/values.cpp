#include "planner/declare/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/error_kinds.h"
#include "planner/declare/vocabulary.h"
#include "postgres/sql/syntax.h"
#include "postgres/sql/type_name.h"

namespace falsework::declare {

namespace {

constexpr std::size_t kMaxMigrationName = 100;

struct Action {
  char letter;
  std::string_view word;
};
constexpr std::array<Action, 5> kActions{
    {{'a', "no action"}, {'r', "restrict"}, {'c', "cascade"}, {'n', "set null"}, {'d', "set default"}}};

bool is_space_or_control(char c) { return static_cast<unsigned char>(c) <= 0x20U; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20U || c == 0x7F; }

constexpr const char* kQuotingHint =
    "Names are taken as they stand; a dot separates schema and table, and double quotes protect what they enclose, as "
    "in \"\\\"odd.name\\\"\".";

// Reads one part at the front of `rest`, up to a dot or the end.
std::string take_part(std::string_view& rest, std::string_view written, const std::string& where) {
  std::string part;
  if (!rest.empty() && rest.front() == '"') {
    std::size_t i = 1;
    for (; i < rest.size(); ++i) {
      if (rest[i] == '"') {
        if (i + 1 == rest.size() || rest[i + 1] != '"') break;
        ++i;
      }
      part += rest[i];
    }
    if (i >= rest.size()) refuse(where, fmt::format("the name {} has an open quote", written), kQuotingHint);
    rest.remove_prefix(i + 1);
    if (!rest.empty() && rest.front() != '.') {
      refuse(where, fmt::format("the name {} goes on after its closing quote", written), kQuotingHint);
    }
    return part;
  }
  const std::size_t end = std::min(rest.find('.'), rest.size());
  part = rest.substr(0, end);
  rest.remove_prefix(end);
  if (part.find('"') != std::string::npos) {
    refuse(where, fmt::format("the name {} has a quote inside", written), kQuotingHint);
  }
  if (!part.empty() && (is_space_or_control(part.front()) || is_space_or_control(part.back()))) {
    refuse(where, fmt::format("the name `{}` begins or ends with white space", written),
           "Remove it, or put the name into double quotes if the space belongs to it.");
  }
  return part;
}

std::vector<std::string> read_parts(std::string_view written, const std::string& where) {
  if (written.find('\0') != std::string_view::npos) {
    refuse(where, "a name contains a NUL byte", "PostgreSQL has no such names.");
  }
  std::vector<std::string> parts;
  std::string_view rest = written;
  while (true) {
    parts.push_back(take_part(rest, written, where));
    check_name(parts.back(), where);
    if (rest.empty()) return parts;
    rest.remove_prefix(1);
  }
}

std::optional<std::string> duplicate(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) return name;
  }
  return std::nullopt;
}

void check(const RenameColumn&, const std::string&) {}
void check(const SetNotNull&, const std::string&) {}
void check(const ChangeType&, const std::string&) {}

void check(const AddForeignKey& key, const std::string& where) {
  for (const auto* list : {&key.columns, &key.referenced_columns, &key.on_delete_columns}) {
    if (const auto name = duplicate(*list)) {
      refuse(where, fmt::format("column {} is named twice", quote_identifier(*name)), "Name each column once.");
    }
  }
  if (!key.referenced_columns.empty() && key.referenced_columns.size() != key.columns.size()) {
    refuse(where,
           fmt::format("{} referencing and {} referenced columns", key.columns.size(), key.referenced_columns.size()),
           "Name as many columns on one side as on the other, in the same order.");
  }
  for (const std::string& column : key.on_delete_columns) {
    if (std::find(key.columns.begin(), key.columns.end(), column) == key.columns.end()) {
      refuse(where,
             fmt::format("on delete sets {}, which is not a column of the foreign key", quote_identifier(column)),
             "Name only columns that are in \"columns\".");
    }
  }
}

}  // namespace

void refuse(const std::string& where, const std::string& message, const std::string& hint) {
  throw Error(errors::kDeclarationInvalid, fmt::format("{}: {}", where, message), hint);
}

void check_name(std::string_view name, const std::string& where) {
  if (name.empty()) refuse(where, "a name is empty", "Give the object's name.");
  if (name.size() > kMaxIdentifierBytes) {
    refuse(where, fmt::format("the name {} is {} bytes long", quote_identifier(name), name.size()),
           fmt::format("PostgreSQL would cut it to {} bytes: {}.", kMaxIdentifierBytes,
                       quote_identifier(cut_utf8(name, kMaxIdentifierBytes))));
  }
}

void check_identifiers(std::string_view sql, const std::string& where) {
  if (const auto name = pg::overlong_identifier(sql)) check_name(*name, where);
}

std::string read_name(std::string_view written, const std::string& where) {
  std::vector<std::string> parts = read_parts(written, where);
  if (parts.size() > 1) {
    refuse(where, fmt::format("the name {} has a dot", written),
           "Give the name alone, or put it into double quotes if the dot belongs to it.");
  }
  return std::move(parts.front());
}

QualifiedName read_qualified(std::string_view written, const std::string& where) {
  std::vector<std::string> parts = read_parts(written, where);
  if (parts.size() > 2) {
    refuse(where, fmt::format("the name {} has {} parts", written, parts.size()),
           "Give schema and name at most; put a part into double quotes if a dot belongs to it.");
  }
  if (parts.size() == 1) return {"", std::move(parts[0])};
  return {std::move(parts[0]), std::move(parts[1])};
}

std::string read_type(const std::string& written, const std::string& where) {
  if (written.empty()) refuse(where, "the type is empty", "Give one type, such as bigint.");
  check_identifiers(written, where);
  try {
    return pg::canonical_type(written);
  } catch (const Error& error) {
    refuse(where, error.what(), error.hint());
  }
}

std::string read_expression(const std::string& written, std::string_view key, const std::string& where) {
  check_identifiers(written, where);
  try {
    pg::inspect_expression(written);
    pg::ColumnSubstitution as_it_is;
    as_it_is.keep_unknown = true;
    return pg::rewrite_expression(written, as_it_is);
  } catch (const Error& error) {
    throw Error(errors::kExpressionInvalid, fmt::format("{}: \"{}\": {}", where, key, error.what()), error.hint());
  }
}

bool is_migration_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxMigrationName || name.front() == '.' || name.front() == '-') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  });
}

void check_migration_name(const std::string& name, const std::string& where) {
  if (is_migration_name(name)) return;
  refuse(where, fmt::format("\"{}\" cannot be a migration's name", name),
         fmt::format("Use ASCII letters, digits, \"_\", \".\" and \"-\", {} at most, and begin with a letter, a digit "
                     "or \"_\".",
                     kMaxMigrationName));
}

void check_label(const std::string& label, std::string_view key, const std::string& where) {
  if (label.empty()) refuse(where, fmt::format("\"{}\" is empty", key), "Give a value, or leave the key out.");
  const bool odd = std::any_of(label.begin(), label.end(), is_control) || label.front() == ' ' || label.back() == ' ';
  if (odd) {
    refuse(where, fmt::format("\"{}\" has control characters, or spaces at an end", key),
           "Write it as one would type it on a command line.");
  }
}

char read_action(const std::string& word, std::string_view key, const std::string& where) {
  std::vector<std::string> known;
  for (const Action& action : kActions) {
    if (action.word == word) return action.letter;
    known.emplace_back(action.word);
  }
  refuse(where, fmt::format("\"{}\" is not an action of \"{}\"", word, key), suggestion(word, known));
}

std::string_view action_word(char letter) {
  for (const Action& action : kActions) {
    if (action.letter == letter) return action.word;
  }
  FALSEWORK_CHECK(!"a referential action");
}

void check_change(const Change& change) {
  std::visit([&](const auto& action) { check(action, change.where); }, change.action);
}

}  // namespace falsework::declare
