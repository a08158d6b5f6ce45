#include "planner/declare/declare.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error_kinds.h"
#include "planner/declare/forms.h"
#include "planner/declare/values.h"

namespace falsework {

namespace {

using declare::Written;

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_json_file(const std::string& file) { return std::filesystem::path(file).extension() == ".json"; }

Written read_written(const DeclarationFile& source) {
  if (!is_utf8(source.text)) {
    declare::refuse(source.file, "the file is not valid UTF-8", "Save it in UTF-8.");
  }
  std::string text = source.text;
  if (text.rfind(kByteOrderMark, 0) == 0) text.erase(0, kByteOrderMark.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  Written written;
  if (first != std::string::npos) {
    const bool json = text[first] == '{';
    if (!json && is_json_file(source.file)) {
      declare::refuse(source.file, "the file does not begin with an opening brace",
                      "A declaration in JSON is one object; in SQL, the file's name must not end in .json.");
    }
    written = json ? declare::read_json(text, source.file) : declare::read_sql(text, source.file);
  }
  if (written.changes.empty()) {
    throw Error(errors::kDeclarationEmpty, fmt::format("{}: the declaration holds no change", source.file),
                "Declare at least one, such as ALTER TABLE users RENAME COLUMN email TO email_address.");
  }
  return written;
}

std::string default_name(const std::string& file) {
  std::string stem = std::filesystem::path(file).stem().string();
  if (!declare::is_migration_name(stem)) {
    declare::refuse(file, fmt::format("the migration has no name, and \"{}\" cannot be one", stem),
                    "Give it one: \"name\" in JSON, `-- falsework: name=…` in SQL; ASCII letters, digits, \"_\", "
                    "\".\" and \"-\".");
  }
  return stem;
}

// Adds a file to a migration that was begun by others.
void merge(Written& whole, Written&& part, const std::string& file) {
  if (part.name && whole.name && *part.name != *whole.name) {
    declare::refuse(file, fmt::format("the name {} contradicts {} of an earlier file", *part.name, *whole.name),
                    "Files that are read together are one migration with one name.");
  }
  if (part.name) whole.name = std::move(part.name);
  for (const auto& [gate, release] : part.releases) {
    const auto [place, added] = whole.releases.emplace(gate, release);
    if (!added && place->second != release) {
      declare::refuse(file, fmt::format("{} {} contradicts {} of an earlier file", gate, release, place->second),
                      "Files that are read together are one migration with one release for each gate.");
    }
  }
  for (auto& [gate, wish] : part.gates) {
    const auto [place, added] = whole.gates.emplace(gate, wish);
    if (!added && place->second != wish) {
      declare::refuse(file, fmt::format("what the gate {} waits for contradicts an earlier file", gate),
                      "Files that are read together are one migration; say it in one of them.");
    }
  }
  if (part.author && whole.author && *part.author != *whole.author) {
    declare::refuse(file, fmt::format("the author {} contradicts {} of an earlier file", *part.author, *whole.author),
                    "Files that are read together are one migration with one author.");
  }
  if (part.author) whole.author = std::move(part.author);
  if (part.archive && whole.archive && *part.archive != *whole.archive) {
    declare::refuse(file, "whether to archive contradicts an earlier file",
                    "Files that are read together are one migration; say it in one of them.");
  }
  if (part.archive) whole.archive = part.archive;
  std::move(part.changes.begin(), part.changes.end(), std::back_inserter(whole.changes));
}

}  // namespace

Migration read_declaration(const std::string& text, const std::string& file) {
  return read_declarations({{text, file}});
}

Migration read_declarations(const std::vector<DeclarationFile>& files) {
  FALSEWORK_CHECK(!files.empty());
  Written whole;
  for (const DeclarationFile& file : files) merge(whole, read_written(file), file.file);
  Migration migration;
  migration.name = whole.name ? *whole.name : default_name(files.front().file);
  migration.changes = std::move(whole.changes);
  migration.releases = std::move(whole.releases);
  migration.gates = std::move(whole.gates);
  migration.author = whole.author.value_or("");
  migration.archive = whole.archive.value_or(false);
  return migration;
}

std::vector<QualifiedName> tables_of(const Migration& migration) {
  std::vector<QualifiedName> tables;
  const auto add = [&](const QualifiedName& table) {
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) tables.push_back(table);
  };
  for (const Change& change : migration.changes) {
    std::visit([&](const auto& action) { add(action.table); }, change.action);
    if (const auto* key = std::get_if<AddForeignKey>(&change.action)) add(key->references);
  }
  return tables;
}

}  // namespace falsework
