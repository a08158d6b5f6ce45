// The plain DDL that people write, read as values: what the SQL form of a declaration is made of.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace falsework::pg {

// A relation as written; the schema may be absent.
struct WrittenName {
  std::optional<std::string> schema;
  std::string name;
};

struct WrittenRenameColumn {
  std::string from, to;
};
struct WrittenColumnType {
  std::string column;
  std::string type;  // rendered: `character varying(20)`
  std::optional<std::string> collation;
  std::optional<std::string> using_expression;
};
struct WrittenSetNotNull {
  std::string column;
};
struct WrittenForeignKey {
  std::optional<std::string> name;
  std::vector<std::string> columns;
  WrittenName references;
  std::vector<std::string> referenced_columns;         // empty: the primary key
  char match = 's', on_update = 'a', on_delete = 'a';  // pg_constraint's letters
  std::vector<std::string> on_delete_columns;
  bool deferrable = false, initially_deferred = false, not_valid = false;
};

struct WrittenChange {
  WrittenName table;
  std::variant<WrittenRenameColumn, WrittenColumnType, WrittenSetNotNull, WrittenForeignKey> action;
};

// Reads one statement as the changes that it makes, in order: an ALTER TABLE may hold several actions. A statement or
// an action that is not understood throws Error(declaration.invalid) that says which and what is understood.
std::vector<WrittenChange> read_alter_table(std::string_view statement);

}  // namespace falsework::pg
