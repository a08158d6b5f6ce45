// The rewrites: each turns one kind of work on a table into steps of one or two phases.
//
// One rule: each is a function of the draft; the order in which planner.cpp calls them is the index of what exists.
#pragma once

#include "planner/draft.h"

namespace falsework {

// expand: rows whose value does not convert, or changes on the way, are counted before anything is built.
void check_conversions(Draft& draft, const TableWork& table);

// expand: a type change for which the server keeps the table's file.
void change_types_in_place(Draft& draft, const TableWork& table);

// dual_write: shadow columns, trigger functions and triggers, in one transaction.
void start_dual_write(Draft& draft, const TableWork& table);

// backfill: the copy, the proof, fresh statistics.
void copy_rows(Draft& draft, const TableWork& table);

// A check by ranges that counts the rows whose two shapes contradict each other; `switched`: under the names that the
// columns have after the switch.
Step agreement_proof(const TableWork& table, Phase phase, bool switched);

// validate: what belongs to the old columns, built for the new ones.
void carry_indexes(Draft& draft, const TableWork& table);
void carry_constraints(Draft& draft, const TableWork& table);
void carry_statistics(Draft& draft, const TableWork& table);

// validate: foreign keys whose columns, on either side, have shadows.
void carry_foreign_keys(Draft& draft);

// expand and validate: NOT NULL on columns that stay, and new foreign keys.
void set_not_null(Draft& draft, const TableWork& table);
void add_foreign_keys(Draft& draft);

// switch and contract.
void switch_shapes(Draft& draft);
void contract(Draft& draft);

// NOT NULL without a blocking scan, for the column as it is called now; used for shadows and for columns that stay.
// `constraint` is the name that the constraint shall have (18+). Returns the id of the last step.
std::string prove_not_null(Draft& draft, const pg::Table& table, const std::string& column,
                           const std::string& id_prefix, const std::string& constraint,
                           const std::vector<std::string>& needs);

// The gate of a phase, made when first asked for; returns its id. `key` says which release and which conditions of the
// declaration it has: switch or contract. Throws Error(declaration.invalid) for conditions that mean nothing there.
std::string add_gate(Draft& draft, Phase phase, const std::string& key, std::string title, std::string why);
// Throws Error(declaration.invalid) when the declaration speaks of a gate that the plan does not have.
void require_gates(const Draft& draft);
// Of the releases that the declaration names for a gate that the plan does not have.
std::vector<std::string> warn_of_idle_releases(const Draft& draft);

// The name of a pair's old column between switch and contract.
inline const std::string& old_name_now(const ShadowPair& pair) {
  return pair.swap_names ? pair.aside : pair.old_name();
}

// The gate before constraints that running releases may violate; one per migration, made when first asked for.
std::string validate_gate(Draft& draft);

// A foreign key that moves to shadow columns.
struct MovedKey {
  const pg::Table* child = nullptr;
  const pg::Table* parent = nullptr;
  const pg::Constraint* key = nullptr;
  std::string shadow_name;
  std::vector<std::string> columns, referenced_columns, on_delete_columns;  // as called before the switch
  bool child_moves = false, parent_moves = false;
};
std::vector<MovedKey> moved_keys(const Work& work);

// Names of ours for what is carried.
std::string shadow_index_name(const pg::Table& table, const pg::Index& index);
std::string shadow_constraint_name(const pg::Table& table, const std::string& constraint);
std::string shadow_not_null_name(const pg::Table& table, const ShadowPair& pair);

// Storage, compression, statistics target, options, comment and privileges of `column`, for another one of that table.
void add_attributes(const pg::Table& table, const pg::Column& column, const std::string& to, bool type_changes,
                    std::vector<pg::Ddl>& ddl);

// What mentions a column that has a shadow.
bool mentions_shadowed(const TableWork& table, const std::vector<std::string>& columns);
// old name -> shadow name of every pair.
std::map<std::string, std::string> shadow_map(const TableWork& table);

}  // namespace falsework
