#include "planner/naive.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_kinds.h"
#include "planner/declare/declare.h"
#include "planner/names.h"
#include "planner/obstacles.h"
#include "planner/side_effects.h"
#include "postgres/locks/locks.h"

namespace falsework {
namespace {

const pg::Table& table_of(const Work& work, const WrittenTable& written) {
  if (const pg::Table* table = work.snapshot->table(written)) return *table;
  for (const std::string& schema : work.snapshot->search_path) {
    if (const pg::Table* table = work.snapshot->table({schema, written.name})) return *table;
  }
  // It was found when the change was resolved.
  throw Error(errors::kInternal, fmt::format("no table {}", written.display()));
}

void set_cost(PlannedChange& planned, const pg::Cost& cost) {
  planned.naive_locks = cost.locks;
  planned.naive_rewrites = cost.rewrites;
  planned.naive_scans = cost.scans;
}

// What became of a column: the work that stands for it, by the name that it has before or in the end.
const ShadowPair* shadow_of(const Work& work, const pg::Table& table, const std::string& name) {
  const TableWork* table_work = work.find(table.name);
  if (table_work == nullptr) return nullptr;
  for (const ShadowPair& pair : table_work->pairs) {
    if (pair.old_name() == name || pair.final_name == name) return &pair;
  }
  return nullptr;
}

void use_shadow(PlannedChange& planned, const Work& work, const pg::Table& table, const ShadowPair* pair,
                const std::string& reason) {
  planned.strategy = "shadow_column";
  planned.reason = reason;
  planned.warnings = copy_warnings(*work.find(table.name), pair);
}

using ColumnName = std::pair<QualifiedName, std::string>;

// The column and every one that references it, directly or through others.
std::set<ColumnName> key_family(const pg::Snapshot& snapshot, const ColumnName& key) {
  std::set<ColumnName> family{key};
  std::vector<ColumnName> open{key};
  while (!open.empty()) {
    const ColumnName next = open.back();
    open.pop_back();
    for (const pg::Table& table : snapshot.tables) {
      for (const pg::Constraint& constraint : table.constraints) {
        if (constraint.kind != 'f' || constraint.references != next.first) continue;
        for (std::size_t i = 0; i < constraint.referenced_columns.size(); ++i) {
          const ColumnName column{table.name, constraint.columns[i]};
          if (constraint.referenced_columns[i] == next.second && family.insert(column).second) open.push_back(column);
        }
      }
    }
  }
  return family;
}

void nothing_to_do(PlannedChange& planned) {
  planned.strategy = "nothing";
  planned.reason = "The catalog is as declared already.";
}

void describe(const RenameColumn& change, const Work& work, PlannedChange& planned) {
  const pg::Table& table = table_of(work, change.table);
  planned.relation = table.name.display();
  planned.summary =
      fmt::format("rename {} to {}", display_column(table.name, change.from), quote_identifier(change.to));
  set_cost(planned, pg::cost_of(pg::RenameColumn{table.name, change.from, change.to}, work.snapshot->server_major()));
  const ShadowPair* pair = shadow_of(work, table, change.from);
  if (pair == nullptr) pair = shadow_of(work, table, change.to);
  // Of a rename that a later one takes further, or back, only the column's table may be left.
  const TableWork* table_work = work.find(table.name);
  const bool undone = pair == nullptr && (table_work == nullptr || table_work->pairs.empty());
  if (change.from == change.to || undone) return nothing_to_do(planned);
  use_shadow(planned, work, table, pair,
             "Both names have to work while two releases run side by side, so a second column carries the new name and "
             "a trigger keeps the two in agreement. Clients change nothing but the name.");
}

pg::Cost type_change_cost(const ChangeType& change, const pg::Snapshot& snapshot, const pg::Table& table,
                          const std::string& column, bool rewrites) {
  const auto checks = rechecked(table, column);
  const bool scans =
      std::any_of(checks.begin(), checks.end(), [](const pg::Constraint* check) { return check->validated; });
  pg::Cost cost =
      pg::cost_of(pg::AlterColumnType{table.name, column, change.to, change.collation, rewrites, rewrites || scans},
                  snapshot.server_major());
  // Held to the end of the transaction, so for as long as the table's own.
  const pg::LockDuration duration = cost.locks.front().duration;
  for (const QualifiedName& partner : key_partners(snapshot, table, column)) {
    cost.locks.push_back({partner.display(), pg::LockMode::kAccessExclusive, duration});
  }
  return pg::combine({cost});
}

void describe(const ChangeType& change, const Work& work, PlannedChange& planned) {
  const pg::Table& table = table_of(work, change.table);
  const std::string column = display_column(table.name, change.column);
  planned.relation = table.name.display();
  const ShadowPair* pair = shadow_of(work, table, change.column);
  const TableWork* table_work = work.find(table.name);
  const InPlaceType* in_place = nullptr;
  if (table_work != nullptr) {
    for (const InPlaceType& type : table_work->types) {
      if (type.column->name == change.column) in_place = &type;
    }
  }
  planned.summary = fmt::format("change the type of {} to {}", column, change.to);
  if (pair == nullptr && in_place == nullptr) return nothing_to_do(planned);
  set_cost(planned, type_change_cost(change, *work.snapshot, table, pair != nullptr ? pair->old_name() : change.column,
                                     in_place == nullptr));
  if (in_place != nullptr) {
    planned.strategy = "in_place";
    planned.reason = fmt::format("The server keeps the table's file: {} can be read as {} as it is.",
                                 in_place->column->type.name, in_place->type);
    return;
  }
  use_shadow(planned, work, table, pair,
             fmt::format("The server would rewrite the table, or rebuild what hangs on the column, under a lock that "
                         "blocks everyone; so {} is copied to a second column that takes its name at the switch.",
                         column));
  if (pair->constant) {
    planned.reason +=
        " Its new value is the same for every row: the server keeps it in the catalog, and no row has to be copied.";
  }
  if (pair->up_cast != pg::CastKind::kTotal) {
    planned.warnings.push_back(fmt::format(
        "from the dual write on, a write to {} by the old release fails where the value does not convert to {}; the "
        "check before the copy counts such rows that exist",
        column, pair->type));
  }
  if (pair->down_cast != pg::CastKind::kTotal) {
    planned.warnings.push_back(
        fmt::format("until contract, a write of the new shape fails where the value does not convert back to {}",
                    pair->column->type.name));
  }
  const auto family = key_family(*work.snapshot, {table.name, pair->old_name()});
  for (const auto& [name, other] : work.tables) {
    for (const ShadowPair& follower : other.pairs) {
      if (follower.implied && family.contains({name, follower.old_name()})) {
        planned.warnings.push_back(fmt::format("{} references it and changes with it",
                                               display_column(other.table->name, follower.old_name())));
      }
    }
  }
}

void describe(const SetNotNull& change, const Work& work, PlannedChange& planned) {
  const pg::Table& table = table_of(work, change.table);
  const std::string column = display_column(table.name, change.column);
  planned.relation = table.name.display();
  planned.summary = fmt::format("set {} NOT NULL", column);
  const bool scans = !is_proven_not_null(table, change.column);
  set_cost(planned, pg::cost_of(pg::SetNotNull{table.name, change.column, scans}, work.snapshot->server_major()));
  if (const ShadowPair* pair = shadow_of(work, table, change.column)) {
    return use_shadow(planned, work, table, pair,
                      "The column gets a shadow anyway, which is NOT NULL before it takes over.");
  }
  const TableWork* table_work = work.find(table.name);
  const bool found =
      table_work != nullptr && std::any_of(table_work->not_nulls.begin(), table_work->not_nulls.end(),
                                           [&](const NotNullWork& each) { return each.column->name == change.column; });
  if (!found) return nothing_to_do(planned);
  planned.strategy = "validate_in_place";
  planned.reason =
      "A constraint that is added NOT VALID and validated afterwards proves the column without blocking reads or "
      "writes";
  // PG 18 release notes: NOT NULL constraints can be NOT VALID themselves.
  planned.reason += work.snapshot->server_major() < 18 ? "; SET NOT NULL then needs no scan."
                                                       : ", and is the column's own from then on.";
  if (change.fill) {
    planned.warnings = copy_warnings(*table_work, nullptr);
    planned.warnings.push_back(fmt::format("rows whose {} is NULL are filled; a rollback leaves them filled", column));
  } else {
    planned.warnings.push_back(
        fmt::format("from the constraint on, a write of NULL to {} fails: the gate before it must mean that no running "
                    "release writes one",
                    column));
  }
}

void describe(const AddForeignKey& change, const Work& work, PlannedChange& planned) {
  const pg::Table& table = table_of(work, change.table);
  const pg::Table& references = table_of(work, change.references);
  planned.relation = table.name.display();
  planned.summary = fmt::format("add a foreign key from {} ({}) to {}", table.name.display(),
                                fmt::join(change.columns, ", "), references.name.display());
  pg::AddForeignKey ddl;
  ddl.table = table.name;
  ddl.references = references.name;
  ddl.columns = change.columns;
  ddl.not_valid = false;
  set_cost(planned, pg::cost_of(ddl, work.snapshot->server_major()));
  planned.strategy = "validate_in_place";
  planned.reason =
      "The constraint is added NOT VALID, which takes a moment, and validated in a transaction of its own under a lock "
      "that blocks neither reads nor writes.";
  planned.warnings.push_back("from the moment that the constraint is added, a write that violates it fails");
  const bool indexed = std::any_of(table.indexes.begin(), table.indexes.end(), [&](const pg::Index& index) {
    if (index.predicate || index.key.size() < change.columns.size()) return false;
    return std::all_of(index.key.begin(), index.key.begin() + static_cast<std::ptrdiff_t>(change.columns.size()),
                       [&](const pg::IndexColumn& key) {
                         return key.column && std::find(change.columns.begin(), change.columns.end(), *key.column) !=
                                                  change.columns.end();
                       });
  });
  if (!indexed && !change.create_index) {
    planned.warnings.push_back(
        fmt::format("no index begins with {} ({}): every DELETE or key UPDATE in {} will scan it; give \"index\": true "
                    "to build one",
                    table.name.display(), fmt::join(change.columns, ", "), references.name.display()));
  }
}

// What it would rewrite or read: whole tables, those whose lock is held for more than a moment.
Estimate naive_estimate(const PlannedChange& planned, const pg::Snapshot& snapshot) {
  Estimate estimate;
  if (!planned.naive_rewrites && !planned.naive_scans) return estimate;
  for (const pg::Table& table : snapshot.tables) {
    const bool held = std::any_of(planned.naive_locks.begin(), planned.naive_locks.end(), [&](const auto& lock) {
      return lock.relation == table.name.display() && lock.duration != pg::LockDuration::kMoment;
    });
    if (!held) continue;
    estimate.rows += static_cast<std::int64_t>(std::max(0.0, table.rows));
    estimate.bytes += table.bytes;
  }
  return estimate;
}

}  // namespace

PlannedChange describe_change(const Change& change, const Work& work) {
  PlannedChange planned;
  planned.kind = std::string(kind(change));
  planned.naive_sql = naive_sql(change);
  std::visit([&](const auto& action) { describe(action, work, planned); }, change.action);
  planned.naive_estimate = naive_estimate(planned, *work.snapshot);
  std::sort(planned.warnings.begin(), planned.warnings.end());
  planned.warnings.erase(std::unique(planned.warnings.begin(), planned.warnings.end()), planned.warnings.end());
  return planned;
}

}  // namespace falsework
