#include "engine/cli/table_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error_kinds.h"

namespace falsework::cli {

namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw Error(errors::kUsage, fmt::format("{} is no name of a table", text),
              "Write it as in SQL: users, billing.orders or '\"Order Lines\"'.");
}

// Takes one name from the front of `rest`: quoted, or up to the next dot.
std::string take_name(std::string_view& rest, const std::string& text) {
  std::string name;
  if (rest.substr(0, 1) != "\"") {
    const std::size_t end = std::min(rest.find('.'), rest.size());
    name = rest.substr(0, end);
    rest.remove_prefix(end);
    if (name.find_first_of(" \t\n\"") != std::string::npos) refuse(text);
    for (char& c : name) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  } else {
    rest.remove_prefix(1);
    for (;; rest.remove_prefix(1)) {
      if (rest.empty()) refuse(text);
      const bool quote = rest.front() == '"';
      if (quote && rest.substr(1, 1) != "\"") break;
      if (quote) rest.remove_prefix(1);
      name += rest.front();
    }
    rest.remove_prefix(1);
  }
  if (name.empty()) refuse(text);
  return name;
}

}  // namespace

QualifiedName parse_table_name(const std::string& text) {
  std::string_view rest = text;
  std::vector<std::string> names{take_name(rest, text)};
  while (!rest.empty()) {
    if (rest.front() != '.') refuse(text);
    rest.remove_prefix(1);
    names.push_back(take_name(rest, text));
  }
  if (names.size() > 2) refuse(text);
  if (names.size() == 1) return {"", names[0]};
  return {names[0], names[1]};
}

}  // namespace falsework::cli
