// The rules of the house, as code: which room may include what, and what the executor may not name.
//
// One rule: what is checked here stands in CONTRIBUTING.md in words.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace falsework::test {

// `path` relative to the root of the tree, e.g. `executor/schedule.cpp`.
struct SourceFile {
  std::string path;
  std::string text;
};

// Reads every .h and .cpp file of the seven rooms and of tests/support.
std::vector<SourceFile> read_tree(const std::filesystem::path& root);

// What the file includes and its room may not, one line each: `path:line: what`.
std::vector<std::string> forbidden_includes(const SourceFile& file);

// The kinds that planner/change.h declares, as they are written in declarations (`rename_column`) and in code
// (`RenameColumn`).
std::vector<std::string> change_kinds(std::string_view change_header);

// Where the file names one of them, in code, text or comment.
std::vector<std::string> named_kinds(const SourceFile& file, const std::vector<std::string>& kinds);

}  // namespace falsework::test
