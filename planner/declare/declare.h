// Reads declarations: JSON and SQL are two equal forms of the same migration.
//
// One rule: nothing is ignored. An unknown key, a malformed value, a statement that is not understood: an error with
// the file and the line or JSON path, what was found, and what to do. Reference: docs/reference/declaration.md.
#pragma once

#include <string>
#include <vector>

#include "planner/change.h"

namespace falsework {

// Reads one file's text. JSON when its first character that is not white space is `{`, SQL otherwise. The default name
// is the file's stem. Throws Error(declaration.invalid), Error(declaration.empty), Error(expression.invalid).
Migration read_declaration(const std::string& text, const std::string& file);

// Reads several files as one migration, in the order given; names and releases must not contradict each other.
struct DeclarationFile {
  std::string text, file;
};
Migration read_declarations(const std::vector<DeclarationFile>& files);

// The naive DDL of a change, as one would like to write it: `ALTER TABLE users RENAME COLUMN email TO email_address`.
std::string naive_sql(const Change& change);

// The tables that a migration names, as written: what has to be introspected.
std::vector<QualifiedName> tables_of(const Migration& migration);

}  // namespace falsework
