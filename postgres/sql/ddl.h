// Every statement that a plan may hold, as a value: the only place where DDL is spelled is render(Ddl).
//
// One rule: a statement is built here as a value, rendered once, and its locks are known from the value
// (postgres/locks). Names are unquoted; expressions are SQL text that was parsed before.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/identifier.h"
#include "postgres/locks/lock_mode.h"

namespace falsework::pg {

// One kind, one line, so that the list reads as a table.
// clang-format off

// `LOCK TABLE a, b IN … MODE`: the locks of a step, in one fixed order, before its first statement.
struct LockTables { std::vector<QualifiedName> tables; LockMode mode = LockMode::kAccessExclusive; };

// Columns.
struct AddColumn {
  QualifiedName table; std::string column; std::string type; std::optional<QualifiedName> collation;
  // A constant that every row has from the start: kept in the catalog, no row is written (PG docs, sql-altertable).
  std::optional<std::string> value = std::nullopt;
};
struct DropColumn { QualifiedName table; std::string column; };
struct RenameColumn { QualifiedName table; std::string from, to; };
struct AlterColumnType {
  QualifiedName table; std::string column; std::string type; std::optional<QualifiedName> collation;
  bool rewrites = false, scans = false;  // as the planner's classification found
};
struct SetDefault { QualifiedName table; std::string column; std::string expression; };
struct DropDefault { QualifiedName table; std::string column; };
struct SetNotNull { QualifiedName table; std::string column; bool scans = false; };
struct DropNotNull { QualifiedName table; std::string column; };
struct SetStorage { QualifiedName table; std::string column; std::string storage; };          // PLAIN, MAIN, …
struct SetCompression { QualifiedName table; std::string column; std::string method; };       // pglz, lz4, default
struct SetStatisticsTarget { QualifiedName table; std::string column; int target = -1; };
struct SetColumnOptions { QualifiedName table; std::string column; std::vector<std::string> options; };  // n_distinct=…
struct AddIdentity { QualifiedName table; std::string column; char kind = 'd'; std::string sequence_options; };
struct DropIdentity { QualifiedName table; std::string column; };

// Constraints.
struct AddCheck { QualifiedName table; std::string name; std::string expression; bool no_inherit = false; bool not_valid = true; };
struct AddNotNullConstraint { QualifiedName table; std::string name; std::string column; bool not_valid = true; };  // 18+
struct AddForeignKey {
  QualifiedName table; std::string name; std::vector<std::string> columns;
  QualifiedName references; std::vector<std::string> referenced_columns;
  char match = 's', on_update = 'a', on_delete = 'a'; std::vector<std::string> on_delete_columns;
  bool deferrable = false, initially_deferred = false, not_valid = true;
};
struct AddUniqueUsingIndex {  // UNIQUE or PRIMARY KEY; the index takes the constraint's name
  QualifiedName table; std::string name; std::string index; bool primary = false; bool deferrable = false, initially_deferred = false;
};
struct ValidateConstraint { QualifiedName table; std::string name; std::optional<QualifiedName> references; };  // references: for a foreign key
struct DropConstraint { QualifiedName table; std::string name; std::optional<QualifiedName> references; };
struct RenameConstraint { QualifiedName table; std::string from, to; };

// Indexes. `definition` is a whole CREATE INDEX statement (postgres/sql/syntax.h, rewrite_index).
struct CreateIndex { QualifiedName table; QualifiedName index; std::string definition; bool concurrently = true; };
struct DropIndex { QualifiedName table; QualifiedName index; bool concurrently = true; };
struct RenameIndex { QualifiedName table; QualifiedName index; std::string to; };
struct SetIndexStatistics { QualifiedName table; QualifiedName index; int column = 1; int target = -1; };
struct SetReplicaIdentity { QualifiedName table; char kind = 'd'; std::string index; };
struct ClusterOn { QualifiedName table; std::optional<std::string> index; };  // nullopt: SET WITHOUT CLUSTER

// Functions and triggers. `body` is PL/pgSQL from DECLARE or BEGIN to END, and writes nothing but the row (or `counter`).
// `time_zone` pins the function's TimeZone; empty: none. Without `replace`, a function that is there already is an error:
// it is not ours. `counter`, a sequence, is known to the body by its OID, for which kCounterOid stands in it: whoever
// writes the table need not be allowed to name things in its schema.
inline constexpr const char* kCounterOid = "0000000000_fw_counter_oid";
struct CreateTriggerFunction {
  QualifiedName function; std::string body; std::string comment; std::string time_zone; bool replace = false;
  std::optional<QualifiedName> counter = std::nullopt;
};
struct DropFunction { QualifiedName function; };
struct CreateTrigger {  // BEFORE row trigger, then ENABLE ALWAYS in the same statement list
  QualifiedName table; std::string name; std::string event; std::optional<std::string> when; QualifiedName function;
};
struct DropTrigger { QualifiedName table; std::string name; };
// A user's own trigger, re-created from pg_get_triggerdef with OR REPLACE, then its tgenabled letter restored.
struct ReplaceTrigger { QualifiedName table; std::string name; std::string definition; char enabled = 'O'; };

// Views. `query` is pg_get_viewdef's text; `options` are reloptions and check option.
struct CreateView { QualifiedName view; std::string query; std::vector<std::string> columns; std::vector<std::string> options; bool replace = false; };
struct DropView { QualifiedName view; };

// What rides on objects.
struct Comment { std::string object; std::optional<std::string> text; QualifiedName relation; };  // object: `COLUMN s.t.c`, rendered
struct Grant { std::string statement; QualifiedName relation; };                                   // rendered GRANT / REVOKE
struct AlterOwner { std::string object; std::string owner; QualifiedName relation; };
struct AlterPolicy { QualifiedName table; std::string name; std::optional<std::string> using_expression, check_expression; };
struct CreateStatistics { QualifiedName table; QualifiedName statistics; std::string definition; };
struct RenameStatistics { QualifiedName table; QualifiedName statistics; std::string to; };
struct DropStatistics { QualifiedName table; QualifiedName statistics; };
struct SetStatisticsObjectTarget { QualifiedName table; QualifiedName statistics; int target = -1; };
struct CreateCounter { QualifiedName sequence; };  // anybody may move it on, and nobody but the owner back
struct DropSequence { QualifiedName sequence; };
struct SequenceOwnedBy { QualifiedName sequence; QualifiedName table; std::optional<std::string> column; };  // nullopt: NONE
struct RenameSequence { QualifiedName sequence; std::string to; };
struct AlterSequence { QualifiedName sequence; std::string options; };
struct CopySequencePosition { QualifiedName from, to; };  // setval from last_value, is_called

struct Analyze { QualifiedName table; std::vector<std::string> columns; };
struct Vacuum { QualifiedName table; };

// Archives: a table of ours that keeps the values of columns that go, with the key of their rows and the values of the
// columns that stay in their place. `counter` moves with each write of the old shape: where it stood is kept with it.
struct CreateArchive {
  QualifiedName archive, table; std::vector<std::string> columns, key; QualifiedName counter; std::string comment;
};
struct FillArchive { QualifiedName archive, table; std::vector<std::string> columns; };
struct RequireFreshArchive { QualifiedName archive, table; QualifiedName counter; std::string comment; };  // fails when the counter has moved
struct DropArchive { QualifiedName archive; };
// A function of a row's key and its new value: the archived old value while the new one is as it was archived, else
// `otherwise`, an expression over new_value. Keys are compared in the collation that is given. `new_variable`: the
// declaration, but for its name, of a variable that new_value is instead of a parameter; empty: none.
struct ArchiveKey { std::string column, type; std::optional<QualifiedName> collation = std::nullopt; };
struct CreateArchiveLookup {
  QualifiedName function, archive; std::vector<ArchiveKey> key;
  std::string new_column, new_type, old_column, old_type, otherwise, time_zone, new_variable;
};
struct DropArchiveLookup { QualifiedName function; };
// Gives columns their values by expressions over the row, in one rewrite that fires no trigger.
struct RestoredColumn { std::string column, type; std::optional<QualifiedName> collation; std::string expression; };
struct RestoreColumns { QualifiedName table; std::vector<RestoredColumn> columns; };

// clang-format on

using Ddl =
    std::variant<LockTables, AddColumn, DropColumn, RenameColumn, AlterColumnType, SetDefault, DropDefault, SetNotNull,
                 DropNotNull, SetStorage, SetCompression, SetStatisticsTarget, SetColumnOptions, AddIdentity,
                 DropIdentity, AddCheck, AddNotNullConstraint, AddForeignKey, AddUniqueUsingIndex, ValidateConstraint,
                 DropConstraint, RenameConstraint, CreateIndex, DropIndex, RenameIndex, SetIndexStatistics,
                 SetReplicaIdentity, ClusterOn, CreateTriggerFunction, DropFunction, CreateTrigger, DropTrigger,
                 ReplaceTrigger, CreateView, DropView, Comment, Grant, AlterOwner, AlterPolicy, CreateStatistics,
                 RenameStatistics, DropStatistics, SetStatisticsObjectTarget, CreateCounter, DropSequence,
                 SequenceOwnedBy, RenameSequence, AlterSequence, CopySequencePosition, Analyze, Vacuum, CreateArchive,
                 FillArchive, RequireFreshArchive, DropArchive, CreateArchiveLookup, DropArchiveLookup, RestoreColumns>;

// Renders one statement without a semicolon. A CreateTrigger renders as two statements; hence a list.
std::vector<std::string> render(const Ddl& ddl);

}  // namespace falsework::pg
