#include "planner/obstacles.h"

#include <fmt/format.h>

#include <algorithm>

#include "postgres/sql/syntax.h"

namespace falsework {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// PG limits: 1,600 attribute slots, dropped ones included.
constexpr int kAttributeSlotsLeftAlone = 1500;

bool reads_column(const std::vector<pg::View::Dependency>& dependencies, const QualifiedName& table,
                  const std::string& column) {
  return std::any_of(dependencies.begin(), dependencies.end(), [&](const pg::View::Dependency& dependency) {
    return dependency.relation == table && dependency.column == column;
  });
}

// `CREATE RULE r AS …`, as pg_get_ruledef spells it: its name.
std::string rule_name(const std::string& definition) {
  const std::string_view head = "CREATE RULE ";
  const std::size_t end = definition.find(" AS");
  if (definition.rfind(head, 0) != 0 || end == std::string::npos) return definition;
  return definition.substr(head.size(), end - head.size());
}

void add_foreign_key_obstacles(const pg::Snapshot& snapshot, const pg::Table& table, const std::string& column,
                               std::vector<std::string>& found) {
  for (const pg::Table& other : snapshot.tables) {
    for (const pg::Constraint& constraint : other.constraints) {
      if (constraint.kind != 'f') continue;
      const bool referencing = other.name == table.name && contains(constraint.columns, column);
      const bool referenced = constraint.references == table.name && contains(constraint.referenced_columns, column);
      if (!referencing && !referenced) continue;
      if (constraint.on_delete == 'd' || constraint.on_update == 'd') {
        found.push_back(
            fmt::format("foreign key {} of {} uses SET DEFAULT, and the new column has no default until contract",
                        constraint.name, other.name.display()));
      }
      if (!constraint.enforced) {
        found.push_back(fmt::format("foreign key {} of {} is not enforced, and its new form would be", constraint.name,
                                    other.name.display()));
      }
      if (other.kind != 'r' || !other.parents.empty() || !other.children.empty()) {
        found.push_back(fmt::format("foreign key {} belongs to {}, which is partitioned or inherits", constraint.name,
                                    other.name.display()));
      }
    }
  }
}

void add_index_obstacles(const pg::Table& table, const std::string& column, std::vector<std::string>& found) {
  for (const pg::Index& index : table.indexes) {
    if (!contains(index.mentions, column)) continue;
    if (index.exclusion) {
      found.push_back(
          fmt::format("exclusion constraint {} can be built only under a lock that blocks writes", index.name));
    } else if (!index.valid || !index.ready || !index.live) {
      found.push_back(fmt::format("index {} is invalid: drop it or rebuild it first", index.name));
    } else if (index.unique && !index.immediate) {
      found.push_back(fmt::format(
          "unique constraint {} is deferrable, and its new index would not wait with the check while it is built",
          index.name));
    }
  }
}

// Which of several generated columns reads the column, only their expressions know.
std::string generated_reader(const pg::Table& table) {
  std::vector<std::string> generated;
  for (const pg::Column& column : table.columns) {
    if (column.generated != 0) generated.push_back(column.name);
  }
  return fmt::format("generated column {} reads it", fmt::join(generated, " or "));
}

// What belongs to the column or depends on it, and is neither carried nor named by anything above.
void add_other_obstacles(const pg::Table& table, const pg::Column& column, std::vector<std::string>& found) {
  for (const pg::Dependent& dependent : table.dependents) {
    const bool named = dependent.object.starts_with("function ") ||
                       (dependent.object.starts_with("rule ") && dependent.object.ends_with(" " + table.name.sql()));
    if (dependent.column == column.name && !named) {
      found.push_back(fmt::format("{} depends on it, and is not carried", dependent.object));
    }
  }
  for (const pg::SequenceShape& sequence : column.other_sequences) {
    found.push_back(fmt::format("sequence {} belongs to it beside another one", sequence.name.display()));
  }
  for (const auto& [provider, label] : column.security_labels) {
    found.push_back(fmt::format("it has a security label of provider {}", provider));
  }
}

// Whether the copy fires a trigger on UPDATE, and how not to.
std::string trigger_beside_copy(const TableWork& work, const pg::Trigger& trigger) {
  const std::string table = work.table->name.display();
  const std::string subject = fmt::format("the copy does not fire trigger {} of {}", trigger.name, table);
  if (trigger.enabled == 'D') return subject + ": it is disabled";
  if (trigger.enabled == 'R') return subject + ": it fires on replicas alone";
  const std::vector<std::string> only = pg::update_columns(trigger.definition);
  const bool sets = std::any_of(work.fills.begin(), work.fills.end(),
                                [&](const FillRule& fill) { return contains(only, fill.column); });
  if (!only.empty() && !sets) {
    return fmt::format("{}: it fires on UPDATE OF {}, which the copy does not set", subject, fmt::join(only, ", "));
  }
  return fmt::format(
      "the copy fires trigger {} of {} ({}) once for each {}, where its WHEN, if it has one, holds; if that is not "
      "wanted, let its function return early while current_setting('falsework.copy', true) <> '' and session_user is "
      "the role that Falsework connects as",
      trigger.name, table, trigger.function.display(), trigger.row ? "row that it copies" : "batch");
}

}  // namespace

std::vector<std::string> table_obstacles(const pg::Table& table) {
  std::vector<std::string> found;
  if (table.kind == 'p') found.push_back("it is partitioned, and every step would have to be made for each partition");
  if (table.kind == 'f') found.push_back("it is a foreign table, whose rows are elsewhere");
  if (table.persistence == 't') found.push_back("it is temporary, and no other session sees it");
  if (table.partition_bound) found.push_back("it is a partition, and must keep the shape of its parent");
  if (!table.parents.empty() && !table.partition_bound) {
    found.push_back(fmt::format("it inherits from {}", table.parents.front().display()));
  }
  if (!table.children.empty() && table.kind != 'p') {
    found.push_back(fmt::format("{} inherits from it", table.children.front().display()));
  }
  if (table.extension) found.push_back(fmt::format("it belongs to extension {}", *table.extension));
  if (table.attribute_slots > kAttributeSlotsLeftAlone) {
    found.push_back(fmt::format("it has used {} of 1600 attribute slots", table.attribute_slots));
  }
  return found;
}

std::vector<std::string> shadow_obstacles(const pg::Snapshot& snapshot, const TableWork& work, const ShadowPair& pair) {
  const pg::Table& table = *work.table;
  const std::string& column = pair.old_name();
  std::vector<std::string> found;
  for (const std::string& rule : table.rules) {
    found.push_back(fmt::format("rule {} rewrites statements that the dual write must see", rule_name(rule)));
  }
  if (pair.column->generated != 0) found.push_back("it is generated, and nothing but its expression can write it");
  if (contains(table.generated_from, column)) found.push_back(generated_reader(table));
  add_index_obstacles(table, column, found);
  add_foreign_key_obstacles(snapshot, table, column, found);
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind == 'c' && contains(constraint.mentions, column) && !constraint.enforced) {
      found.push_back(fmt::format("check constraint {} is not enforced, and its new form would be", constraint.name));
    }
    if (constraint.kind == 'n' && contains(constraint.columns, column) && !constraint.validated) {
      found.push_back(fmt::format("not-null constraint {} is not validated: validate it first", constraint.name));
    }
  }
  for (const pg::Trigger& trigger : table.triggers) {
    if (trigger.constraint && contains(trigger.mentions, column)) {
      found.push_back(fmt::format("constraint trigger {} names it, and cannot be moved", trigger.name));
    }
    // Triggers fire in the order of their names; ours must be the last to see NEW.
    if (trigger.row && trigger.before && (trigger.on_insert || trigger.on_update) && trigger.name > "~_fw_") {
      found.push_back(fmt::format("trigger {} would fire after the dual write", trigger.name));
    }
  }
  for (const pg::View& view : snapshot.views) {
    if (!reads_column(view.depends_on, table.name, column)) continue;
    if (view.kind == 'm') {
      found.push_back(fmt::format("materialized view {} reads it, and would have to be computed anew at the switch",
                                  view.name.display()));
    }
    for (const std::string& rule : view.rules) {
      found.push_back(fmt::format("rule {} of view {}, which reads it, would be lost when the view is replaced",
                                  rule_name(rule), view.name.display()));
    }
  }
  for (const pg::Function& function : snapshot.functions) {
    if (reads_column(function.depends_on, table.name, column)) {
      found.push_back(
          fmt::format("the body of function {}({}) is bound to it", function.name.display(), function.arguments));
    }
  }
  for (const pg::PublicationMember& member : table.publications) {
    if (contains(member.mentions, column)) {
      found.push_back(fmt::format("publication {} names it in a column list or row filter", member.publication));
    }
  }
  add_other_obstacles(table, *pair.column, found);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<std::string> in_place_obstacles(const pg::Snapshot& snapshot, const pg::Table& table,
                                            const pg::Column& column, pg::TypeChangeCost cost) {
  std::vector<std::string> found;
  if (cost == pg::TypeChangeCost::kRewrite) found.push_back("the server would rewrite the table");
  for (const pg::Index& index : table.indexes) {
    if (!contains(index.mentions, column.name)) continue;
    const bool plain =
        !index.predicate && std::all_of(index.key.begin(), index.key.end(),
                                        [](const pg::IndexColumn& key) { return key.column.has_value(); });
    if (!plain || cost == pg::TypeChangeCost::kIndexRebuild) {
      found.push_back(fmt::format("the server would rebuild index {}", index.name));
    }
  }
  if (contains(table.generated_from, column.name)) found.push_back(generated_reader(table));
  for (const pg::Policy& policy : table.policies) {
    if (contains(policy.mentions, column.name)) found.push_back(fmt::format("policy {} reads it", policy.name));
  }
  for (const pg::Trigger& trigger : table.triggers) {
    if (contains(trigger.mentions, column.name)) found.push_back(fmt::format("trigger {} names it", trigger.name));
  }
  for (const pg::View& view : snapshot.views) {
    if (reads_column(view.depends_on, table.name, column.name)) {
      found.push_back(fmt::format("view {} reads it", view.name.display()));
    }
  }
  for (const pg::PublicationMember& member : table.publications) {
    if (member.row_filter && contains(member.mentions, column.name)) {
      found.push_back(fmt::format("publication {} filters by it", member.publication));
    }
  }
  if (table.row_type_used) found.push_back("another relation has a column of its row type");
  return found;
}

std::optional<std::string> why_no_archive(const TableWork& work) {
  const pg::Table& table = *work.table;
  const auto key = std::find_if(table.constraints.begin(), table.constraints.end(),
                                [](const pg::Constraint& constraint) { return constraint.kind == 'p'; });
  if (key == table.constraints.end()) return fmt::format("{} has no primary key", table.name.display());
  for (const std::string& name : key->columns) {
    const pg::TypeShape& type = table.column(name)->type;
    const ShadowPair* pair = work.pair_of(name);
    const bool becomes_foreign = pair != nullptr && pair->type.find('.') != std::string::npos;
    if ((type.base.schema == "pg_catalog" || type.kind == 'e') && !becomes_foreign) continue;
    return fmt::format("{}, a column of the primary key of {}, {} of type {}", quote_identifier(name),
                       table.name.display(), becomes_foreign ? "becomes one" : "is",
                       becomes_foreign ? pair->type : type.name);
  }
  if (table.row_type_used) {
    return fmt::format("{} could not be rewritten: another relation has a column of its row type",
                       table.name.display());
  }
  return std::nullopt;
}

std::vector<std::string> copy_warnings(const TableWork& work, const ShadowPair* pair) {
  const pg::Table& table = *work.table;
  std::vector<std::string> warnings;
  for (const pg::Trigger& trigger : table.triggers) {
    if (trigger.on_update) warnings.push_back(trigger_beside_copy(work, trigger));
    if (pair != nullptr && trigger.function_source.find(pair->old_name()) != std::string::npos) {
      warnings.push_back(fmt::format("the source of trigger function {} holds the name {}: check it before the switch",
                                     trigger.function.display(), pair->old_name()));
    }
  }
  for (const pg::Index& index : table.indexes) {
    const bool doubled = pair != nullptr && contains(index.mentions, pair->old_name());
    // A statement names one of the two as its arbiter; a race that it loses in the other is an error (PG docs,
    // sql-insert, of unique indexes that are built concurrently; measured on 15).
    if (index.unique && doubled) {
      warnings.push_back(fmt::format(
          "while both forms of {} stand, until contract, INSERT … ON CONFLICT statements that race to insert the same "
          "key can fail with a unique violation, as beside REINDEX CONCURRENTLY; let them be retried",
          index.name));
    }
  }
  if (!table.publications.empty() && pair != nullptr) {
    warnings.push_back(fmt::format(
        "{} is published: add the new column on every subscriber first, or apply stops there", table.name.display()));
  }
  if (table.row_security) {
    warnings.push_back(
        fmt::format("{} has row security: the copy and the proof run with row_security=off and fail "
                    "rather than see a subset",
                    table.name.display()));
  }
  return warnings;
}

}  // namespace falsework
