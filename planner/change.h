// What someone wants: the declared changes, as values. Change kinds live here and in the planner, nowhere else.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/identifier.h"

namespace falsework {

// A table as written: the schema may be empty, then the snapshot's search_path decides.
using WrittenTable = QualifiedName;

struct RenameColumn {
  static constexpr std::string_view kKind = "rename_column";
  WrittenTable table;
  std::string from, to;
  bool operator==(const RenameColumn&) const = default;
};

struct ChangeType {
  static constexpr std::string_view kKind = "change_type";
  WrittenTable table;
  std::string column;
  std::string to;  // canonical (postgres/sql/type_name.h)
  std::optional<QualifiedName> collation;
  std::optional<std::string> up, down;   // expressions over the table's columns; SQL's USING is `up`
  std::optional<std::string> time_zone;  // pins expressions that depend on it
  bool accept_loss = false;              // a lossy conversion is wanted ("accept": "data_loss")
  bool operator==(const ChangeType&) const = default;
};

struct SetNotNull {
  static constexpr std::string_view kKind = "set_not_null";
  WrittenTable table;
  std::string column;
  std::optional<std::string> fill;  // expression over the row, or a constant
  bool operator==(const SetNotNull&) const = default;
};

struct AddForeignKey {
  static constexpr std::string_view kKind = "add_foreign_key";
  WrittenTable table;
  std::optional<std::string> name;
  std::vector<std::string> columns;
  WrittenTable references;
  std::vector<std::string> referenced_columns;  // empty: the primary key
  char match = 's', on_update = 'a', on_delete = 'a';
  std::vector<std::string> on_delete_columns;
  bool deferrable = false, initially_deferred = false;
  bool create_index = false;  // build the missing index on the referencing columns
  bool gate = false;          // hold a gate before new violations begin to fail
  bool operator==(const AddForeignKey&) const = default;
};

struct Change {
  std::variant<RenameColumn, ChangeType, SetNotNull, AddForeignKey> action;
  std::string where;  // `orders.sql:3` or `orders.json:/changes/0/rename_column`, for messages
  bool operator==(const Change&) const = default;
};

// What a gate waits for, besides its release or a person's advance.
struct GateWish {
  std::optional<std::chrono::seconds> soak;
  int approvals = 0;
  std::optional<std::chrono::seconds> backup;
  std::optional<std::chrono::seconds> no_old_writer, no_old_statement;
  bool no_old_session = false, no_dependent = false;
  std::optional<std::string> check;  // a query that answers one boolean
  bool operator==(const GateWish&) const = default;
};

// A named, ordered set of changes.
struct Migration {
  std::string name;
  std::vector<Change> changes;
  std::map<std::string, std::string> releases;  // switch, contract -> label
  std::map<std::string, GateWish> gates;        // switch, contract
  std::string author;                           // who may not approve what cannot be undone; may be empty
  bool archive = false;                         // values of columns that go are kept for a rollback
};

std::string_view kind(const Change& change);

}  // namespace falsework
