// What a database's catalog says, as a value: everything that a change of a table can touch or depend on.
//
// One rule: a snapshot is read once (introspect), then const; the planner sees nothing else. Everything is by name, in
// PostgreSQL's own spelling under an empty search_path, sorted, so that equal catalogs give equal bytes. OIDs,
// attribute numbers and statistics that drift by themselves stay out of comparisons (compare.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/identifier.h"

namespace falsework::pg {

struct SequenceShape {
  QualifiedName name;
  std::string type;  // integer, bigint, smallint
  std::int64_t start = 1, increment = 1, minimum = 1, maximum = 0, cache = 1;
  bool cycle = false;
  std::string owner;
  std::vector<std::string> acl;  // raw aclitems; empty optional is the default
  bool has_acl = false;
  std::vector<std::string> grants;  // statements that give a new sequence `acl`, with {sequence} where its name stands
  std::optional<std::string> comment;
  bool operator==(const SequenceShape&) const = default;
};

struct TypeShape {
  std::string name;    // format_type: `character varying(20)`, `public.mood`
  QualifiedName base;  // {pg_catalog, varchar}
  int modifier = -1;   // atttypmod
  char kind = 'b';     // pg_type.typtype: b base, d domain, e enum, c composite, r range, m multirange, p pseudo
  bool is_array = false;
  bool collatable = false;
  std::optional<std::string> domain_base;  // format_type of a domain's base
  bool domain_constrained = false;         // NOT NULL or a CHECK, here or in a domain below
  bool has_equality = true;                // a default btree or hash operator class exists
  bool operator==(const TypeShape&) const = default;
};

struct Column {
  std::string name;
  int position = 0;  // attnum; not compared
  TypeShape type;
  std::optional<QualifiedName> collation;         // only when it is not the type's own
  bool not_null = false;                          // 18+: false while its NOT NULL constraint is NOT VALID
  std::optional<std::string> default_expression;  // pg_get_expr; also the expression of a generated column
  char identity = 0;                              // 0, 'a' always, 'd' by default
  char generated = 0;                             // 0, 's' stored, 'v' virtual
  std::optional<SequenceShape> owned_sequence;    // of a serial or identity column
  std::vector<SequenceShape> other_sequences;     // further ones that it owns
  std::string storage, type_storage;              // plain, main, extended, external
  std::string compression;                        // '', pglz, lz4
  int statistics_target = -1;
  std::vector<std::string> options;  // attoptions
  bool has_acl = false;
  std::vector<std::string> acl;     // raw aclitems, in order
  std::vector<std::string> grants;  // GRANT statements that give `acl`, with `{column}` for the column's name
  std::optional<std::string> comment;
  std::map<std::string, std::string> security_labels;  // by provider
  double null_fraction = -1;                           // from pg_stats; -1 unknown; not compared
  int average_width = -1;                              // from pg_stats; not compared
  bool operator==(const Column&) const = default;
};

struct IndexColumn {
  std::optional<std::string> column;  // nullopt: an expression
  std::string expression;             // of an expression column
  bool operator==(const IndexColumn&) const = default;
};

struct Index {
  std::string name;        // in the table's schema
  std::string definition;  // pg_get_indexdef
  std::string method;
  std::vector<IndexColumn> key;
  std::vector<std::string> included;
  std::vector<std::string> mentions;  // every table column that it depends on, expressions and predicate included
  std::optional<std::string> predicate;
  bool unique = false, primary = false, exclusion = false, immediate = true, nulls_not_distinct = false;
  bool valid = true, ready = true, live = true, replica_identity = false, clustered = false;
  std::optional<std::string> constraint;  // that owns it
  std::optional<QualifiedName> parent;    // the partitioned index that it is attached to
  std::optional<std::string> comment;
  std::string tablespace;
  std::vector<std::string> options;
  std::map<int, int> statistics_targets;  // of expression columns, by position
  std::int64_t bytes = 0;                 // not compared
  bool operator==(const Index&) const = default;
};

struct Constraint {
  std::string name;
  // pg_constraint.contype: c check, f foreign, p primary, u unique, x exclusion, n not null (18+), t trigger
  char kind = 'c';
  std::string definition;             // pg_get_constraintdef
  std::vector<std::string> columns;   // in the constraint's order
  std::vector<std::string> mentions;  // every column that it depends on
  bool validated = true, deferrable = false, deferred = false, no_inherit = false, enforced = true, local = true;
  bool inherited = false;  // from a parent table, or the twin of a partitioned table's constraint
  std::optional<std::string> comment;
  std::optional<std::string> index;  // of primary, unique, exclusion; of the referenced key for foreign keys
  // Foreign keys.
  QualifiedName references;
  std::vector<std::string> referenced_columns, on_delete_columns;
  char match = 's', on_update = 'a', on_delete = 'a';
  bool operator==(const Constraint&) const = default;
};

struct Trigger {
  std::string name;
  std::string definition;  // pg_get_triggerdef
  char enabled = 'O';
  bool constraint = false;
  bool inherited = false;          // the twin of a partitioned table's trigger
  bool row = true, before = true;  // otherwise statement, after; INSTEAD OF only on views
  bool on_insert = false, on_update = false, on_delete = false, on_truncate = false;
  std::vector<std::string> mentions;  // columns of UPDATE OF and WHEN
  QualifiedName function;
  std::string function_source;  // prosrc, to warn of names in it
  std::optional<std::string> comment;
  bool operator==(const Trigger&) const = default;
};

struct Policy {
  std::string name, command, roles;
  bool permissive = true;
  std::optional<std::string> using_expression, check_expression;
  std::vector<std::string> mentions;
  std::optional<std::string> comment;
  bool operator==(const Policy&) const = default;
};

struct ExtendedStatistics {
  QualifiedName name;
  std::string definition;  // pg_get_statisticsobjdef
  std::vector<std::string> mentions;
  std::string owner;
  int target = -1;
  std::optional<std::string> comment;
  bool operator==(const ExtendedStatistics&) const = default;
};

struct PublicationMember {
  std::string publication;
  bool all_columns = true;
  std::vector<std::string> columns;  // of a column list (15+)
  std::optional<std::string> row_filter;
  std::vector<std::string> mentions;  // list and filter
  bool operator==(const PublicationMember&) const = default;
};

// An object that depends on a column (pg_depend) and that no other member of a table or view names: a function in
// SQL-standard form, a policy of another relation, a rule, …
struct Dependent {
  std::string column;  // empty: depends on the relation as a whole
  std::string object;  // pg_describe_object
  auto operator<=>(const Dependent&) const = default;
  bool operator==(const Dependent&) const = default;
};

struct Table {
  QualifiedName name;
  char kind = 'r';         // r ordinary, p partitioned, f foreign
  char persistence = 'p';  // p, u, t
  std::string owner;
  bool has_acl = false;
  std::vector<std::string> acl;
  std::vector<std::string> options;
  std::optional<std::string> comment;
  std::string tablespace, access_method;
  char replica_identity = 'd';
  bool row_security = false, force_row_security = false;
  std::vector<Column> columns;  // live ones, in their order
  std::vector<Index> indexes;
  std::vector<Constraint> constraints;
  std::vector<Trigger> triggers;  // not internal ones
  std::vector<Policy> policies;
  std::vector<ExtendedStatistics> statistics;
  std::vector<PublicationMember> publications;
  std::vector<std::string> rules;                // rewrite rules other than a view's own
  std::vector<QualifiedName> parents, children;  // inheritance and partitions
  std::optional<std::string> partition_key, partition_bound;
  std::vector<std::string> generated_from;  // columns that generated columns read
  bool row_type_used = false;               // another relation has a column of this table's row type
  std::vector<Dependent> dependents;        // on its columns; sorted
  std::optional<std::string> extension;     // that owns the table
  int attribute_slots = 0;                  // highest attnum, dropped ones included; not compared
  double rows = -1;                         // reltuples; -1 unknown; not compared
  std::int64_t bytes = 0, total_bytes = 0;  // heap; with indexes and TOAST; not compared
  // What plans rely on: object -> digest (fingerprint.h); not compared by itself.
  std::map<std::string, std::string> fingerprint;

  const Column* column(const std::string& column_name) const;
  const Index* index(const std::string& index_name) const;
  const Constraint* constraint(const std::string& constraint_name) const;
  bool operator==(const Table&) const = default;
};

// A view or materialized view.
struct View {
  QualifiedName name;
  char kind = 'v';                   // v, m
  std::string query;                 // pg_get_viewdef, without the semicolon
  std::vector<std::string> columns;  // output names
  std::vector<std::string> column_types;
  std::string owner;
  bool has_acl = false;
  std::vector<std::string> acl;
  std::vector<std::string> grants;  // statements that give a new view `acl` and column privileges, in order
  std::vector<std::string> options;
  std::optional<std::string> comment;
  std::map<std::string, std::string> column_comments, column_defaults;
  std::vector<Trigger> triggers;
  std::vector<std::string> rules;  // other than _RETURN
  struct Dependency {
    QualifiedName relation;
    std::string column;  // empty: the relation as a whole
    auto operator<=>(const Dependency&) const = default;
    bool operator==(const Dependency&) const = default;
  };
  std::vector<Dependency> depends_on;  // relations and columns that it reads, sorted
  std::vector<Dependent> dependents;   // other than views; sorted
  // Of materialized views.
  std::vector<Index> indexes;
  std::string tablespace, access_method;
  bool populated = true;
  bool operator==(const View&) const = default;
};

// A function, by what may depend on it or be meant by it: only those outside pg_catalog and information_schema.
struct Function {
  QualifiedName name;
  std::string arguments;  // pg_get_function_identity_arguments
  char volatility = 'v';  // i, s, v
  bool security_definer = false;
  std::vector<View::Dependency> depends_on;  // SQL-standard bodies
  bool operator==(const Function&) const = default;
};

struct Snapshot {
  int format_version = 1;
  int server_version = 0;  // server_version_num
  std::string database, system_identifier;
  std::vector<Table> tables;
  std::vector<View> views;
  std::vector<Function> functions;
  std::vector<SequenceShape> sequences;  // that no column owns
  std::vector<QualifiedName> types;      // enums, domains, composites, ranges outside pg_catalog
  std::vector<QualifiedName> operators;  // outside pg_catalog
  // Names taken: display() of every relation and index in the schemas of `tables`.
  std::vector<std::string> relation_names;
  // Functions of pg_catalog with an overload that is not immutable: s, v, or m (mixed).
  std::map<std::string, char> builtin_volatility;
  std::vector<std::string> search_path;  // schemas for unqualified names in declarations; usually public

  int server_major() const { return server_version / 10000; }
  const Table* table(const QualifiedName& table_name) const;
  const View* view(const QualifiedName& view_name) const;
  bool operator==(const Snapshot&) const = default;
};

// JSON, for `falsework snapshot` and offline planning. load throws Error(snapshot.invalid) with the JSON path.
std::string render_snapshot(const Snapshot& snapshot);
Snapshot parse_snapshot(const std::string& text, const std::string& file);

}  // namespace falsework::pg
