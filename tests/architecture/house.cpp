#include "tests/architecture/house.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <sstream>

namespace falsework::test {

namespace {

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool ends_with(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() && text.substr(text.size() - suffix.size()) == suffix;
}

// What a folder may include, by path prefix. The first room that fits counts, so the narrower comes first.
struct Room {
  std::string_view folder;
  std::vector<std::string_view> allowed;
  std::vector<std::string_view> except = {};
};

const std::vector<Room>& rooms() {
  static const std::vector<Room> all = {
      {"base/", {"base/"}},
      {"postgres/", {"base/", "postgres/"}},
      // Values only: nothing that talks to a server.
      {"plans/", {"base/", "plans/", "postgres/locks/lock_mode.h", "postgres/catalog/snapshot.h"}},
      {"state/", {"base/", "plans/", "postgres/session/", "state/"}},
      // The planner is a pure function: no connection, no clock.
      {"planner/",
       {"base/", "plans/", "planner/", "postgres/"},
       {"base/clock.h", "postgres/session/", "postgres/catalog/introspect.h"}},
      // Of postgres/sql only what reads statements: evidence at a gate is found by the parser.
      {"executor/", {"base/", "executor/", "plans/", "postgres/session/", "postgres/sql/naming.h", "state/"}},
      {"engine/", {"base/", "engine/", "executor/", "planner/", "plans/", "postgres/", "state/"}},
      // The judge shares nothing with what it judges.
      {"tests/support/", {"tests/support/"}},
  };
  return all;
}

// A package's headers, and who may include them.
struct Package {
  std::string_view prefix;
  std::vector<std::string_view> folders;  // empty: any room
  bool heavy;                             // in .cpp files only
};

const std::vector<Package>& packages() {
  static const std::vector<Package> all = {
      {"spdlog/", {"base/"}, true},
      {"openssl/", {"base/"}, true},
      {"pqxx/", {"postgres/session/"}, true},
      {"libpq-fe.h", {"postgres/session/", "tests/support/"}, true},
      {"pg_query", {"postgres/sql/"}, true},
      {"sqlite3.h", {"state/sqlite/"}, true},
      {"boost/program_options", {"engine/"}, true},
      {"boost/graph/", {"plans/"}, true},
      {"boost/", {"none"}, true},
      {"gvc.h", {"engine/runbook/"}, true},
      {"cgraph.h", {"engine/runbook/"}, true},
      // Declares the name only.
      {"nlohmann/json_fwd.hpp", {}, false},
      {"nlohmann/", {}, true},
  };
  return all;
}

std::optional<std::string> check_own(std::string_view path, const std::string& header) {
  if (header.find('/') == std::string::npos) return "includes \"" + header + "\" not from the root";
  for (const Room& room : rooms()) {
    if (!starts_with(path, room.folder)) continue;
    const auto fits = [&](std::string_view prefix) { return starts_with(header, prefix); };
    if (std::any_of(room.except.begin(), room.except.end(), fits) ||
        std::none_of(room.allowed.begin(), room.allowed.end(), fits)) {
      return std::string(room.folder) + " may not include \"" + header + "\"";
    }
    return std::nullopt;
  }
  return "no room of the house";
}

std::optional<std::string> check_package(std::string_view path, const std::string& header) {
  for (const Package& package : packages()) {
    if (!starts_with(header, package.prefix)) continue;
    const auto fits = [&](std::string_view folder) { return starts_with(path, folder); };
    if (!package.folders.empty() && std::none_of(package.folders.begin(), package.folders.end(), fits)) {
      return "<" + header + "> belongs to another room";
    }
    if (package.heavy && ends_with(path, ".h")) return "<" + header + "> is for .cpp files only";
    return std::nullopt;
  }
  return std::nullopt;
}

template <typename Check>
std::vector<std::string> each_line(const SourceFile& file, Check check) {
  std::vector<std::string> found;
  std::istringstream lines(file.text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    for (const std::string& what : check(line)) {
      found.push_back(file.path + ":" + std::to_string(number) + ": " + what);
    }
  }
  return found;
}

std::string camel_case(const std::string& kind) {
  std::string result;
  bool up = true;
  for (const char c : kind) {
    if (c != '_') result += up ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    up = c == '_';
  }
  return result;
}

}  // namespace

std::vector<SourceFile> read_tree(const std::filesystem::path& root) {
  std::vector<SourceFile> files;
  for (const Room& room : rooms()) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / room.folder)) {
      const std::string path = std::filesystem::relative(entry.path(), root).string();
      if (!ends_with(path, ".h") && !ends_with(path, ".cpp")) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files.push_back({path, {std::istreambuf_iterator<char>(file), {}}});
    }
  }
  return files;
}

std::vector<std::string> forbidden_includes(const SourceFile& file) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  return each_line(file, [&](const std::string& line) {
    std::vector<std::string> found;
    std::smatch match;
    if (!std::regex_search(line, match, include)) return found;
    const std::string header = match[2];
    // A package's header is one however it is quoted, and so is one of ours.
    if (auto problem = check_package(file.path, header)) found.push_back(*problem);
    const bool ours = match[1] == "\"" || std::any_of(rooms().begin(), rooms().end(), [&](const Room& room) {
                        return starts_with(header, room.folder);
                      });
    const bool known_package = std::any_of(packages().begin(), packages().end(),
                                           [&](const Package& package) { return starts_with(header, package.prefix); });
    if (ours && !known_package) {
      if (auto problem = check_own(file.path, header)) found.push_back(*problem);
    }
    return found;
  });
}

std::vector<std::string> change_kinds(std::string_view change_header) {
  static const std::regex declaration(R"rx(kKind = "([a-z_]+)")rx");
  const std::string text(change_header);
  std::vector<std::string> kinds;
  for (std::sregex_iterator match(text.begin(), text.end(), declaration); match != std::sregex_iterator(); ++match) {
    kinds.push_back((*match)[1]);
    kinds.push_back(camel_case(kinds.back()));
  }
  return kinds;
}

std::vector<std::string> named_kinds(const SourceFile& file, const std::vector<std::string>& kinds) {
  return each_line(file, [&](const std::string& line) {
    std::vector<std::string> found;
    for (const std::string& kind : kinds) {
      if (line.find(kind) != std::string::npos) found.push_back("names the change kind " + kind);
    }
    return found;
  });
}

}  // namespace falsework::test
