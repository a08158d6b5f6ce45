#include "postgres/catalog/search_path.h"

namespace falsework::pg {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

char folded(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

// As SplitIdentifierString (varlena.c).
std::vector<std::string> parse_search_path(std::string_view setting) {
  std::vector<std::string> names;
  std::string name;
  bool quoted = false;
  for (std::size_t i = 0; i <= setting.size(); ++i) {
    if (i == setting.size() || (!quoted && setting[i] == ',')) {
      if (!name.empty()) names.push_back(name);
      name.clear();
    } else if (setting[i] == '"') {
      const bool doubled = quoted && i + 1 < setting.size() && setting[i + 1] == '"';
      if (doubled) {
        name += '"';
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (quoted) {
      name += setting[i];
    } else if (!is_space(setting[i])) {
      name += folded(setting[i]);
    }
  }
  return names;
}

}  // namespace falsework::pg
