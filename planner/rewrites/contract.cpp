#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "planner/rewrites/archive.h"
#include "planner/rewrites/identity.h"
#include "planner/rewrites/rewrites.h"
#include "planner/rewrites/trigger.h"

namespace falsework {
namespace {

// Replaced foreign keys of the table, in either direction: the old one goes, the new one gets its name. Returns them.
std::vector<MovedKey> retire_keys(Draft& draft, const pg::Table& table, std::vector<pg::Ddl>& ddl,
                                  std::vector<pg::Ddl>& comments, std::vector<QualifiedName>& locked) {
  std::vector<MovedKey> retired;
  for (const MovedKey& key : moved_keys(draft.work)) {
    const bool ours = (key.child == &table && key.child_moves) || (key.parent == &table && key.parent_moves);
    if (!ours || !draft.retired_keys.insert(key.shadow_name).second) continue;
    locked.push_back(key.child->name);
    locked.push_back(key.parent->name);
    ddl.push_back(pg::DropConstraint{key.child->name, key.key->name, key.parent->name});
    ddl.push_back(pg::RenameConstraint{key.child->name, key.shadow_name, key.key->name});
    if (key.key->comment) {
      comments.push_back(
          pg::Comment{fmt::format("CONSTRAINT {} ON {}", quote_identifier(key.key->name), key.child->name.sql()),
                      key.key->comment, key.child->name});
    }
    retired.push_back(key);
  }
  return retired;
}

void move_defaults(const pg::Table& table, const ShadowPair& pair, std::vector<pg::Ddl>& ddl) {
  const pg::Column& column = *pair.column;
  if (column.identity != 0) {
    for (pg::Ddl& statement : move_identity(table, pair)) ddl.push_back(std::move(statement));
    return;
  }
  if (column.default_expression) ddl.push_back(pg::SetDefault{table.name, pair.final_name, *column.default_expression});
  if (!column.owned_sequence) return;
  ddl.push_back(pg::SequenceOwnedBy{column.owned_sequence->name, table.name, pair.final_name});
  for (pg::Ddl& statement : widen_sequence(pair)) ddl.push_back(std::move(statement));
}

// Indexes and the constraints that they carry take the names of those that went with the old column.
void rename_indexes(const TableWork& work, std::vector<pg::Ddl>& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::Index& index : table.indexes) {
    if (!mentions_shadowed(work, index.mentions)) continue;
    const std::string shadow = shadow_index_name(table, index);
    const QualifiedName name{table.name.schema, index.name};
    if (index.constraint) {
      ddl.push_back(pg::AddUniqueUsingIndex{table.name, *index.constraint, shadow, index.primary, false, false});
      const pg::Constraint* constraint = table.constraint(*index.constraint);
      if (constraint != nullptr && constraint->comment) {
        ddl.push_back(
            pg::Comment{fmt::format("CONSTRAINT {} ON {}", quote_identifier(constraint->name), table.name.sql()),
                        constraint->comment, table.name});
      }
    } else {
      ddl.push_back(pg::RenameIndex{table.name, {table.name.schema, shadow}, index.name});
    }
    if (index.comment) ddl.push_back(pg::Comment{"INDEX " + name.sql(), index.comment, table.name});
    for (const auto& [position, target] : index.statistics_targets) {
      ddl.push_back(pg::SetIndexStatistics{table.name, name, position, target});
    }
    if (index.clustered) ddl.push_back(pg::ClusterOn{table.name, index.name});
    if (index.replica_identity) ddl.push_back(pg::SetReplicaIdentity{table.name, 'i', index.name});
  }
}

void rename_constraints(const TableWork& work, int server_major, std::vector<pg::Ddl>& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind != 'c' || !mentions_shadowed(work, constraint.mentions)) continue;
    ddl.push_back(pg::RenameConstraint{table.name, shadow_constraint_name(table, constraint.name), constraint.name});
    if (constraint.comment) {
      ddl.push_back(pg::Comment{fmt::format("CONSTRAINT {} ON {}", quote_identifier(constraint.name), table.name.sql()),
                                constraint.comment, table.name});
    }
  }
  if (server_major < 18) return;
  for (const ShadowPair& pair : work.pairs) {
    if (!pair.not_null) continue;
    std::string name = default_not_null_name(table, pair.final_name);
    std::optional<std::string> comment;
    for (const pg::Constraint& constraint : table.constraints) {
      if (constraint.kind == 'n' && constraint.columns == std::vector<std::string>{pair.old_name()}) {
        name = constraint.name;
        comment = constraint.comment;
      }
    }
    ddl.push_back(pg::RenameConstraint{table.name, shadow_not_null_name(table, pair), name});
    if (comment) {
      ddl.push_back(pg::Comment{fmt::format("CONSTRAINT {} ON {}", quote_identifier(name), table.name.sql()), comment,
                                table.name});
    }
  }
}

void rename_statistics(const TableWork& work, std::vector<pg::Ddl>& ddl) {
  const pg::Table& table = *work.table;
  for (const pg::ExtendedStatistics& statistics : table.statistics) {
    if (!mentions_shadowed(work, statistics.mentions)) continue;
    const QualifiedName shadow{statistics.name.schema,
                               generated_name("statistics", {statistics.name.schema, statistics.name.name})};
    ddl.push_back(pg::RenameStatistics{table.name, shadow, statistics.name.name});
    ddl.push_back(pg::AlterOwner{"STATISTICS " + statistics.name.sql(), statistics.owner, table.name});
    if (statistics.comment) {
      ddl.push_back(pg::Comment{"STATISTICS " + statistics.name.sql(), statistics.comment, table.name});
    }
  }
}

// A statistics object over several columns would stay with fewer of them; so it goes with the old column.
void drop_old_statistics(const TableWork& work, std::vector<pg::Ddl>& ddl) {
  for (const pg::ExtendedStatistics& statistics : work.table->statistics) {
    if (mentions_shadowed(work, statistics.mentions))
      ddl.push_back(pg::DropStatistics{work.table->name, statistics.name});
  }
}

// The old shape of one table, or of tables whose keys lead to each other, goes.
Step contract_shadows(Draft& draft, const std::vector<const TableWork*>& tables) {
  std::vector<pg::Ddl> body, comments;
  std::vector<QualifiedName> locked;
  std::vector<MovedKey> retired;
  if (draft.work.archive) {
    for (const TableWork* work : tables) body.push_back(require_fresh_archive(draft.work, *work));
  }
  for (const TableWork* work : tables) {
    const pg::Table& table = *work->table;
    locked.push_back(table.name);
    for (pg::Ddl& drop : drop_triggers(*work)) body.push_back(std::move(drop));
    for (MovedKey& key : retire_keys(draft, table, body, comments, locked)) retired.push_back(std::move(key));
  }
  for (const TableWork* work : tables) {
    const pg::Table& table = *work->table;
    drop_old_statistics(*work, body);
    for (const ShadowPair& pair : work->pairs) move_defaults(table, pair, body);
    for (const ShadowPair& pair : work->pairs) body.push_back(pg::DropColumn{table.name, old_name_now(pair)});
    for (const ShadowPair& pair : work->pairs) {
      for (pg::Ddl& statement : finish_identity(pair)) body.push_back(std::move(statement));
    }
    rename_indexes(*work, body);
    rename_constraints(*work, draft.server_major(), body);
    rename_statistics(*work, body);
  }
  for (pg::Ddl& comment : comments) body.push_back(std::move(comment));
  std::sort(locked.begin(), locked.end());
  locked.erase(std::unique(locked.begin(), locked.end()), locked.end());
  const pg::LockTables lock{locked, pg::LockMode::kAccessExclusive};
  body.insert(body.begin(), lock);

  std::optional<std::vector<pg::Ddl>> backward;
  if (draft.work.archive) {
    backward = restore_shapes(draft, tables, retired);
    backward->insert(backward->begin(), lock);
  }
  const std::string prefix = subject(*tables.front());
  std::string subjects;
  for (const TableWork* work : tables) subjects += (subjects.empty() ? "" : ", ") + subject(*work);
  Step step =
      statement_step(draft, prefix + "/contract/drop", Phase::kContract,
                     fmt::format("Drop the old form of {} and give its names to the new one", subjects),
                     "The dual write, the old column and all that hung on it go in one short transaction, so no write "
                     "meets one without the other.",
                     body, backward);
  step.undo_note = "The old column is gone; its values live on in the new one.";
  if (draft.work.archive) {
    step.undo_note =
        "Possible while the archive is kept. The table is rewritten and its indexes are built under the lock; rows "
        "that "
        "were written since take the old value that their new one maps to.";
    for (const TableWork* work : tables) step.archives.push_back(archive_name(draft.work, *work->table).sql());
  }
  step.done_when = column_absent(tables.front()->table->name, old_name_now(tables.front()->pairs.front()));
  return step;
}

// Tables with pairs, each alone; where they are archived, those that keys lead to together, since one cannot be
// restored without the other.
std::vector<std::vector<const TableWork*>> dropped_together(const Work& work) {
  std::vector<std::vector<const TableWork*>> groups;
  for (const auto& [name, table] : work.tables) {
    if (!table.pairs.empty()) groups.push_back({&table});
  }
  if (!work.archive) return groups;
  const auto group_of = [&](const pg::Table* table) {
    return std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return std::any_of(group.begin(), group.end(), [&](const TableWork* each) { return each->table == table; });
    });
  };
  for (const MovedKey& key : moved_keys(work)) {
    const auto child = group_of(key.child), parent = group_of(key.parent);
    if (child == groups.end() || parent == groups.end() || child == parent) continue;
    const auto into = std::min(child, parent), from = std::max(child, parent);
    into->insert(into->end(), from->begin(), from->end());
    groups.erase(from);
  }
  return groups;
}

// Only NULLs were filled: the trigger goes, and can come back.
Step contract_fill(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  const pg::LockTables lock{{table.name}, pg::LockMode::kAccessExclusive};
  std::vector<pg::Ddl> forward{lock}, backward{lock};
  for (pg::Ddl& drop : drop_triggers(work)) forward.push_back(std::move(drop));
  for (pg::Ddl& function : trigger_functions(work, false)) backward.push_back(std::move(function));
  for (pg::Ddl& create : create_triggers(work)) backward.push_back(std::move(create));
  const std::string prefix = subject(work);
  Step step = statement_step(draft, prefix + "/contract/trigger", Phase::kContract,
                             fmt::format("Stop filling NULLs of {}", prefix),
                             "From here on a write of NULL fails, as declared.", forward, std::move(backward));
  step.done_when = trigger_absent(table.name, trigger_names(table).on_update);
  return step;
}

}  // namespace

void contract(Draft& draft) {
  const bool any = std::any_of(draft.work.tables.begin(), draft.work.tables.end(),
                               [](const auto& entry) { return entry.second.has_trigger(); });
  if (!any) return;
  std::string previous =
      add_gate(draft, Phase::kContract, "contract", "Wait until no running release uses the old shape",
               "What follows removes the old shape; up to here everything can be undone without loss.");
  // What can be undone first, and every proof before the first loss: the point of no return comes as late as it can.
  const auto append = [&](Step step) {
    step.needs = {previous};
    previous = draft.add(std::move(step)).id;
  };
  for (const auto& [name, work] : draft.work.tables) {
    if (work.has_trigger() && work.pairs.empty()) append(contract_fill(draft, work));
  }
  for (const auto& [name, work] : draft.work.tables) {
    if (work.pairs.empty()) continue;
    Step proof = agreement_proof(work, Phase::kContract, true);
    proof.why =
        "Long after the copy, and right before the only other copy goes: a dual write that was switched off for a "
        "while "
        "would show here.";
    append(std::move(proof));
  }
  for (const auto& [name, work] : draft.work.tables) {
    if (!work.pairs.empty() && draft.work.archive) append(begin_archive(draft, work));
  }
  for (const auto& [name, work] : draft.work.tables) {
    if (!work.pairs.empty() && draft.work.archive) append(fill_archive(draft, work));
  }
  for (const auto& tables : dropped_together(draft.work)) append(contract_shadows(draft, tables));
}

}  // namespace falsework
