// The way back over contract: the old columns with all that belonged to them, and their values from the archive.
//
// Definitions are executed as the server spelled them, so the columns bear the names that they had before the switch
// while this lasts.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "planner/names.h"
#include "planner/rewrites/archive.h"
#include "planner/rewrites/identity.h"
#include "planner/rewrites/trigger.h"
#include "postgres/sql/syntax.h"

namespace falsework {
namespace {

using Statements = std::vector<pg::Ddl>;

void append(Statements& to, Statements from) {
  for (pg::Ddl& ddl : from) to.push_back(std::move(ddl));
}

void add_comment(const std::string& object, const std::optional<std::string>& text, const pg::Table& table,
                 Statements& ddl) {
  if (text) ddl.push_back(pg::Comment{object, text, table.name});
}

std::string constraint_object(const pg::Table& table, const std::string& name) {
  return fmt::format("CONSTRAINT {} ON {}", quote_identifier(name), table.name.sql());
}

const pg::Constraint* not_null_constraint(const pg::Table& table, const std::string& column) {
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind == 'n' && constraint.columns == std::vector<std::string>{column}) return &constraint;
  }
  return nullptr;
}

QualifiedName shadow_statistics(const pg::ExtendedStatistics& statistics) {
  return {statistics.name.schema, generated_name("statistics", {statistics.name.schema, statistics.name.name})};
}

// What took the names of the old shape gives them back, and so do the columns.
void give_names_back(const TableWork& work, int server_major, Statements& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::ExtendedStatistics& statistics : table.statistics) {
    if (!mentions_shadowed(work, statistics.mentions)) continue;
    ddl.push_back(pg::RenameStatistics{table.name, statistics.name, shadow_statistics(statistics).name});
  }
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind != 'c' || !mentions_shadowed(work, constraint.mentions)) continue;
    ddl.push_back(pg::RenameConstraint{table.name, constraint.name, shadow_constraint_name(table, constraint.name)});
  }
  for (const ShadowPair& pair : work.pairs) {
    if (server_major < 18 || !pair.not_null) continue;
    const pg::Constraint* old = not_null_constraint(table, pair.old_name());
    const std::string name = old == nullptr ? default_not_null_name(table, pair.final_name) : old->name;
    ddl.push_back(pg::RenameConstraint{table.name, name, shadow_not_null_name(table, pair)});
  }
  for (const pg::Index& index : table.indexes) {
    if (!mentions_shadowed(work, index.mentions)) continue;
    if (index.constraint) {  // a constraint does not give its index back: the index is built anew below
      ddl.push_back(pg::DropConstraint{table.name, *index.constraint, std::nullopt});
    } else {
      ddl.push_back(pg::RenameIndex{table.name, {table.name.schema, index.name}, shadow_index_name(table, index)});
    }
  }
  for (const ShadowPair& pair : work.pairs) {
    if (pair.swap_names) ddl.push_back(pg::RenameColumn{table.name, pair.final_name, pair.shadow});
  }
}

// The collation in which values of a type are compared; nullopt: none, or that of a type of somebody's own.
std::optional<QualifiedName> collation_of(const std::string& type, const std::optional<QualifiedName>& declared) {
  static const std::regex kText(R"((text|bpchar|character( varying)?(\(\d+\))?)(\[\])*)");
  if (declared) return declared;
  if (std::regex_match(type, kText)) return QualifiedName{"pg_catalog", "default"};
  if (type == "name") return QualifiedName{"pg_catalog", "C"};
  return std::nullopt;
}

// A type without its modifier, which a variable would enforce on what was written since; `character` alone has one.
std::string without_modifier(const std::string& type) {
  static const std::regex kModifier(R"(\(\d+\))");
  static const std::regex kCharacter(R"(^character(?! varying))");
  return std::regex_replace(std::regex_replace(type, kModifier, ""), kCharacter, "pg_catalog.bpchar");
}

// What new_value is declared as, so that it has its column's collation; empty where a parameter has it, since no key
// has one that would be mixed in.
std::string new_variable(const QualifiedName& archive, const std::vector<pg::ArchiveKey>& key, const ShadowPair& pair) {
  if (std::none_of(key.begin(), key.end(), [](const pg::ArchiveKey& each) { return each.collation.has_value(); })) {
    return "";
  }
  if (const auto collation = collation_of(pair.type, pair.collation)) {
    return fmt::format("{} COLLATE {}", without_modifier(pair.type), collation->sql());
  }
  // A type of somebody's own may have one; the archive's column has it, too.
  const bool foreign = pair.type.find('.') != std::string::npos && pair.type.find('(') == std::string::npos;
  return foreign ? fmt::format("{}.{}%TYPE", archive.sql(), quote_identifier(pair.final_name)) : "";
}

void restore_values(const Work& work, const TableWork& table_work, Statements& ddl) {
  const pg::Table& table = *table_work.table;
  const QualifiedName archive = archive_name(work, table);
  std::vector<pg::ArchiveKey> key;
  std::vector<std::string> key_now;
  for (const std::string& name : archive_key(table_work)) {
    const auto pair = std::find_if(table_work.pairs.begin(), table_work.pairs.end(),
                                   [&](const ShadowPair& each) { return each.final_name == name; });
    const bool moved = pair != table_work.pairs.end();
    const std::string& type = moved ? pair->type : table.column(name)->type.name;
    key.push_back({name, type, collation_of(type, moved ? pair->collation : table.column(name)->collation)});
    key_now.push_back(quote_identifier(moved ? pair->shadow : name));
  }
  pg::RestoreColumns restore{table.name, {}};
  Statements lookups, drops;
  for (const ShadowPair& pair : table_work.pairs) {
    const QualifiedName function{"falsework",
                                 generated_name("restore", {table.name.schema, table.name.name, pair.old_name()})};
    lookups.push_back(pg::CreateArchiveLookup{function, archive, key, pair.final_name, pair.type, old_name_now(pair),
                                              pair.column->type.name, down_assigned(pair, {"new_value"}),
                                              pair.time_zone, new_variable(archive, key, pair)});
    drops.push_back(pg::DropArchiveLookup{function});
    ddl.push_back(pg::AddColumn{table.name, pair.old_name(), pair.column->type.name, pair.column->collation});
    restore.columns.push_back(
        {pair.old_name(), pair.column->type.name, pair.column->collation,
         fmt::format("{}({}, {})", function.sql(), fmt::join(key_now, ", "), quote_identifier(pair.shadow))});
  }
  append(ddl, std::move(lookups));
  ddl.push_back(std::move(restore));
  append(ddl, std::move(drops));
}

void restore_defaults(const pg::Table& table, const ShadowPair& pair, Statements& ddl) {
  const pg::Column& column = *pair.column;
  if (column.identity != 0) {
    append(ddl, return_identity(table, pair));
    return;
  }
  if (column.owned_sequence) {
    append(ddl, narrow_sequence(pair));
    ddl.push_back(pg::SequenceOwnedBy{column.owned_sequence->name, table.name, pair.old_name()});
  }
  if (!column.default_expression) return;
  ddl.push_back(pg::SetDefault{table.name, pair.old_name(), *column.default_expression});
  ddl.push_back(pg::DropDefault{table.name, pair.shadow});
}

void restore_not_null(const pg::Table& table, const ShadowPair& pair, int server_major, Statements& ddl) {
  if (!pair.column->not_null) return;
  const pg::Constraint* constraint = server_major < 18 ? nullptr : not_null_constraint(table, pair.old_name());
  if (constraint == nullptr) {
    ddl.push_back(pg::SetNotNull{table.name, pair.old_name(), true});
    return;
  }
  ddl.push_back(pg::AddNotNullConstraint{table.name, constraint->name, pair.old_name(), false});
  add_comment(constraint_object(table, constraint->name), constraint->comment, table, ddl);
}

void restore_checks(const TableWork& work, Statements& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind != 'c' || !mentions_shadowed(work, constraint.mentions)) continue;
    ddl.push_back(pg::AddCheck{table.name, constraint.name, pg::rewrite_check(constraint.definition, {}),
                               constraint.no_inherit, !constraint.validated});
    add_comment(constraint_object(table, constraint.name), constraint.comment, table, ddl);
  }
}

void restore_indexes(const TableWork& work, Statements& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::Index& index : table.indexes) {
    if (!mentions_shadowed(work, index.mentions)) continue;
    const QualifiedName name{table.name.schema, index.name};
    ddl.push_back(pg::CreateIndex{table.name, name, index.definition, false});
    if (index.constraint) {
      ddl.push_back(pg::AddUniqueUsingIndex{table.name, *index.constraint, index.name, index.primary, false, false});
      const pg::Constraint* constraint = table.constraint(*index.constraint);
      if (constraint != nullptr) {
        add_comment(constraint_object(table, constraint->name), constraint->comment, table, ddl);
      }
      const std::string shadow = shadow_index_name(table, index);
      ddl.push_back(pg::CreateIndex{table.name,
                                    {table.name.schema, shadow},
                                    pg::rewrite_index(index.definition, shadow, false, shadow_map(work)),
                                    false});
    }
    add_comment("INDEX " + name.sql(), index.comment, table, ddl);
    for (const auto& [position, target] : index.statistics_targets) {
      ddl.push_back(pg::SetIndexStatistics{table.name, name, position, target});
    }
    if (index.clustered) ddl.push_back(pg::ClusterOn{table.name, index.name});
    if (index.replica_identity) ddl.push_back(pg::SetReplicaIdentity{table.name, 'i', index.name});
  }
}

void restore_statistics(const TableWork& work, Statements& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::ExtendedStatistics& statistics : table.statistics) {
    if (!mentions_shadowed(work, statistics.mentions)) continue;
    ddl.push_back(pg::CreateStatistics{table.name, statistics.name, statistics.definition});
    if (statistics.target >= 0) {
      ddl.push_back(pg::SetStatisticsObjectTarget{table.name, statistics.name, statistics.target});
    }
    ddl.push_back(pg::AlterOwner{"STATISTICS " + statistics.name.sql(), statistics.owner, table.name});
    add_comment("STATISTICS " + statistics.name.sql(), statistics.comment, table, ddl);
  }
  ddl.push_back(pg::Analyze{table.name, {}});
}

void restore_key(const MovedKey& key, Statements& ddl) {
  pg::AddForeignKey old;
  old.table = key.child->name;
  old.name = key.key->name;
  old.columns = key.key->columns;
  old.references = key.parent->name;
  old.referenced_columns = key.key->referenced_columns;
  old.match = key.key->match;
  old.on_update = key.key->on_update;
  old.on_delete = key.key->on_delete;
  old.on_delete_columns = key.key->on_delete_columns;
  old.deferrable = key.key->deferrable;
  old.initially_deferred = key.key->deferred;
  old.not_valid = !key.key->validated;
  pg::AddForeignKey shadow = old;
  shadow.name = key.shadow_name;
  shadow.columns = key.columns;
  shadow.referenced_columns = key.referenced_columns;
  shadow.on_delete_columns = key.on_delete_columns;
  ddl.push_back(std::move(old));
  add_comment(constraint_object(*key.child, key.key->name), key.key->comment, *key.child, ddl);
  ddl.push_back(std::move(shadow));
}

void restore_dual_write(const TableWork& work, Statements& ddl) {
  ddl.push_back(pg::CreateCounter{*work.counter});
  append(ddl, trigger_functions(work, true));
  append(ddl, create_triggers(work));
}

}  // namespace

std::vector<pg::Ddl> restore_shapes(const Draft& draft, const std::vector<const TableWork*>& tables,
                                    const std::vector<MovedKey>& keys) {
  const int major = draft.server_major();
  Statements ddl;
  for (const MovedKey& key : keys) {
    ddl.push_back(pg::DropConstraint{key.child->name, key.key->name, key.parent->name});
  }
  for (const TableWork* work : tables) give_names_back(*work, major, ddl);
  for (const TableWork* work : tables) {
    const pg::Table& table = *work->table;
    restore_values(draft.work, *work, ddl);
    for (const ShadowPair& pair : work->pairs) {
      add_attributes(table, *pair.column, pair.old_name(), false, ddl);
      restore_not_null(table, pair, major, ddl);
      restore_defaults(table, pair, ddl);
    }
    restore_checks(*work, ddl);
    restore_indexes(*work, ddl);
    restore_statistics(*work, ddl);
  }
  for (const MovedKey& key : keys) restore_key(key, ddl);
  for (const TableWork* work : tables) {
    restore_dual_write(*work, ddl);
    for (const ShadowPair& pair : work->pairs) {
      if (!pair.swap_names) continue;
      ddl.push_back(pg::RenameColumn{work->table->name, pair.old_name(), pair.aside});
      ddl.push_back(pg::RenameColumn{work->table->name, pair.shadow, pair.old_name()});
    }
  }
  return ddl;
}

}  // namespace falsework
