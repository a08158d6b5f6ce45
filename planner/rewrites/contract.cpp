#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "planner/rewrites/identity.h"
#include "planner/rewrites/rewrites.h"
#include "planner/rewrites/trigger.h"

namespace falsework {
namespace {

// Replaced foreign keys of the table, in either direction: the old one goes, the new one gets its name. Returns the
// other tables that are locked by it.
void retire_keys(Draft& draft, const pg::Table& table, std::vector<pg::Ddl>& ddl, std::vector<pg::Ddl>& comments,
                 std::vector<QualifiedName>& locked) {
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
  }
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

Step contract_shadows(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  std::vector<pg::Ddl> body, comments;
  std::vector<QualifiedName> locked{table.name};
  for (pg::Ddl& drop : drop_triggers(work)) body.push_back(std::move(drop));
  retire_keys(draft, table, body, comments, locked);
  drop_old_statistics(work, body);
  for (const ShadowPair& pair : work.pairs) move_defaults(table, pair, body);
  for (const ShadowPair& pair : work.pairs) body.push_back(pg::DropColumn{table.name, old_name_now(pair)});
  for (const ShadowPair& pair : work.pairs) {
    for (pg::Ddl& statement : finish_identity(pair)) body.push_back(std::move(statement));
  }
  rename_indexes(work, body);
  rename_constraints(work, draft.server_major(), body);
  rename_statistics(work, body);
  for (pg::Ddl& comment : comments) body.push_back(std::move(comment));
  std::sort(locked.begin(), locked.end());
  locked.erase(std::unique(locked.begin(), locked.end()), locked.end());
  body.insert(body.begin(), pg::LockTables{locked, pg::LockMode::kAccessExclusive});

  const std::string prefix = subject(work);
  Step step =
      statement_step(draft, prefix + "/contract/drop", Phase::kContract,
                     fmt::format("Drop the old form of {} and give its names to the new one", prefix),
                     "The dual write, the old column and all that hung on it go in one short transaction, so no write "
                     "meets one without the other.",
                     std::move(body), std::nullopt);
  step.undo_note = "The old column is gone; its values live on in the new one.";
  step.done_when = column_absent(table.name, old_name_now(work.pairs.front()));
  return step;
}

// Only NULLs were filled: the trigger goes, and can come back.
Step contract_fill(Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  const pg::LockTables lock{{table.name}, pg::LockMode::kAccessExclusive};
  std::vector<pg::Ddl> forward{lock}, backward{lock};
  for (pg::Ddl& drop : drop_triggers(work)) forward.push_back(std::move(drop));
  backward.push_back(trigger_function(work, false));
  for (pg::Ddl& create : create_triggers(work)) backward.push_back(std::move(create));
  const std::string prefix = subject(work);
  Step step = statement_step(
      draft, prefix + "/contract/trigger", Phase::kContract, fmt::format("Stop filling NULLs of {}", prefix),
      "From here on a write of NULL fails, as declared.", std::move(forward), std::move(backward));
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
    if (!work.pairs.empty()) append(contract_shadows(draft, work));
  }
}

}  // namespace falsework
