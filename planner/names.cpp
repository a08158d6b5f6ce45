#include "planner/names.h"

#include <algorithm>

#include "base/identifier.h"

namespace falsework {
namespace {

// makeObjectName: the longer of the two parts is cut first, byte by byte, at a character boundary in the end.
std::string make_object_name(const std::string& first, const std::string& second, const std::string& label) {
  const std::size_t overhead = (second.empty() ? 0 : 1) + (label.empty() ? 0 : label.size() + 1);
  const std::size_t available = kMaxIdentifierBytes - overhead;
  std::size_t first_bytes = first.size();
  std::size_t second_bytes = second.size();
  while (first_bytes + second_bytes > available) {
    if (first_bytes > second_bytes) {
      --first_bytes;
    } else {
      --second_bytes;
    }
  }
  std::string name(cut_utf8(first, first_bytes));
  if (!second.empty()) name.append("_").append(cut_utf8(second, second_bytes));
  if (!label.empty()) name.append("_").append(label);
  return name;
}

std::string choose_constraint_name(const pg::Table& table, const std::string& middle, const std::string& label) {
  std::string suffix = label;
  for (int pass = 1;; ++pass) {
    std::string candidate = make_object_name(table.name.name, middle, suffix);
    if (table.constraint(candidate) == nullptr) return candidate;
    suffix = label + std::to_string(pass);
  }
}

}  // namespace

std::string default_foreign_key_name(const pg::Table& table, const std::vector<std::string>& columns) {
  // ChooseForeignKeyConstraintNameAddition: columns joined by `_`, cut at NAMEDATALEN.
  std::string middle;
  for (const std::string& column : columns) {
    if (!middle.empty()) middle += '_';
    middle += column;
    if (middle.size() >= kMaxIdentifierBytes + 1) break;
  }
  return choose_constraint_name(table, middle, "fkey");
}

std::string default_not_null_name(const pg::Table& table, const std::string& column) {
  return choose_constraint_name(table, column, "not_null");
}

std::string display_column(const QualifiedName& table, const std::string& column) {
  return table.display() + "." + quote_identifier(column);
}

}  // namespace falsework
