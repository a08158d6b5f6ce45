// The two forms of a declaration, each read into the same value.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/change.h"

namespace falsework::declare {

// What one file says; the name only if it stands in the file.
struct Written {
  std::optional<std::string> name;
  std::vector<Change> changes;
  std::map<std::string, std::string> releases;
  std::map<std::string, GateWish> gates;
  std::optional<std::string> author;
  std::optional<bool> archive;
};

Written read_json(const std::string& text, const std::string& file);
Written read_sql(const std::string& text, const std::string& file);

}  // namespace falsework::declare
