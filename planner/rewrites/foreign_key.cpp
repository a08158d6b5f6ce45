#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "planner/rewrites/rewrites.h"

namespace falsework {
namespace {

// A column as it is called before the switch: its shadow when it has one. `name` is what it is called in the end.
std::string physical(const Work& work, const pg::Table& table, const std::string& name, bool shadow) {
  const TableWork* table_work = work.find(table.name);
  if (table_work == nullptr) return name;
  for (const ShadowPair& pair : table_work->pairs) {
    if (pair.final_name == name || pair.old_name() == name) return shadow ? pair.shadow : pair.old_name();
  }
  return name;
}

std::vector<std::string> physical(const Work& work, const pg::Table& table, const std::vector<std::string>& names,
                                  bool shadow) {
  std::vector<std::string> columns;
  for (const std::string& name : names) columns.push_back(physical(work, table, name, shadow));
  return columns;
}

// Rows that reference nothing, under MATCH SIMPLE or FULL.
std::string orphan_predicate(const pg::Table& references, const std::vector<std::string>& columns,
                             const std::vector<std::string>& referenced, char match) {
  std::vector<std::string> equal, present;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    equal.push_back(fmt::format("r.{} = t.{}", quote_identifier(referenced[i]), quote_identifier(columns[i])));
    present.push_back(fmt::format("t.{} IS NOT NULL", quote_identifier(columns[i])));
  }
  return fmt::format("({}) AND NOT EXISTS (SELECT FROM {} AS r WHERE {})",
                     fmt::join(present, match == 'f' ? " OR " : " AND "), references.name.sql(),
                     fmt::join(equal, " AND "));
}

bool has_prefix_index(const pg::Table& table, const std::vector<std::string>& columns) {
  return std::any_of(table.indexes.begin(), table.indexes.end(), [&](const pg::Index& index) {
    if (index.predicate || !index.valid || index.key.size() < columns.size()) return false;
    return std::all_of(index.key.begin(), index.key.begin() + static_cast<std::ptrdiff_t>(columns.size()),
                       [&](const pg::IndexColumn& key) {
                         return key.column && std::find(columns.begin(), columns.end(), *key.column) != columns.end();
                       });
  });
}

// The name that CREATE INDEX without a name would give (indexcmds.c ChooseIndexName), if it is free.
std::string default_index_name(const Work& work, const pg::Table& table, const std::vector<std::string>& columns) {
  std::string name = table.name.name;
  for (const std::string& column : columns) name += "_" + column;
  name = std::string(cut_utf8(name, kMaxIdentifierBytes - 4)) + "_idx";
  const auto& taken = work.snapshot->relation_names;
  const std::string shown = QualifiedName{table.name.schema, name}.display();
  if (std::find(taken.begin(), taken.end(), shown) == taken.end()) return name;
  return generated_name("index", {table.name.schema, name});
}

std::vector<QualifiedName> sorted_pair(const QualifiedName& a, const QualifiedName& b) {
  if (a == b) return {a};
  return a < b ? std::vector<QualifiedName>{a, b} : std::vector<QualifiedName>{b, a};
}

// For locks that wait for writers alone: transactions write a referenced row before the rows that reference it, and the
// look-up of a key takes ROW SHARE, which does not wait.
std::vector<QualifiedName> referenced_first(const QualifiedName& table, const QualifiedName& references) {
  if (table == references) return {table};
  return {references, table};
}

void add_one(Draft& draft, const ForeignKeyWork& work) {
  const pg::Table& table = *draft.work.snapshot->table(work.table);
  const pg::Table& references = *draft.work.snapshot->table(work.references);
  const std::string prefix = fmt::format("{}.{}", table.name.display(), quote_identifier(work.name));
  const auto old_columns = physical(draft.work, table, work.change.columns, false);
  const auto columns = physical(draft.work, table, work.change.columns, true);

  Step orphans = range_check(
      prefix + "/expand/orphans", Phase::kExpand, table,
      orphan_predicate(references, old_columns, physical(draft.work, references, work.change.referenced_columns, false),
                       work.change.match),
      fmt::format("cannot add foreign key {}: {{count}} rows of {} reference nothing in {}", work.name,
                  table.name.display(), references.name.display()),
      "Delete or mend these rows first: {samples}.");
  orphans.title = fmt::format("Count the rows of {} that reference nothing", table.name.display());
  orphans.why = "An orphan that is found now costs nothing; VALIDATE would find it after the constraint is in force.";
  orphans.relations = {table.name.display(), references.name.display()};
  std::sort(orphans.relations.begin(), orphans.relations.end());
  orphans.locks.push_back({references.name.display(), pg::LockMode::kAccessShare, pg::LockDuration::kBatch});
  if (table.name == references.name) {
    orphans.locks.pop_back();
    orphans.relations.pop_back();
  }
  std::vector<std::string> needs{draft.add(std::move(orphans)).id};

  if (work.change.create_index && !has_prefix_index(table, old_columns)) {
    const std::string index = default_index_name(draft.work, table, work.change.columns);
    std::string list;
    for (const std::string& column : columns) list += (list.empty() ? "" : ", ") + quote_identifier(column);
    Step build =
        index_step(draft, prefix + "/validate/index", Phase::kValidate, table, index,
                   fmt::format("CREATE INDEX CONCURRENTLY {} ON {} USING btree ({})", quote_identifier(index),
                               table.name.sql(), list),
                   fmt::format("Build the missing index on the referencing columns of {}", table.name.display()),
                   "Without it every DELETE or key UPDATE of a referenced row scans the referencing table.");
    if (draft.copied.contains(table.name)) build.needs.push_back(draft.copied.at(table.name));
    needs.push_back(draft.add(std::move(build)).id);
  }
  if (work.change.gate) needs.push_back(validate_gate(draft));
  for (const QualifiedName* side : {&table.name, &references.name}) {
    if (const auto copied = draft.copied.find(*side); copied != draft.copied.end()) needs.push_back(copied->second);
  }
  // A referenced shadow column needs its unique index first.
  for (const pg::Index& index : references.indexes) {
    const auto built = draft.index_steps.find(QualifiedName{references.name.schema, index.name}.display());
    if (built != draft.index_steps.end() && index.unique) needs.push_back(built->second);
  }

  pg::AddForeignKey ddl;
  ddl.table = table.name;
  ddl.name = work.name;
  ddl.columns = columns;
  ddl.references = references.name;
  ddl.referenced_columns = physical(draft.work, references, work.change.referenced_columns, true);
  ddl.match = work.change.match;
  ddl.on_update = work.change.on_update;
  ddl.on_delete = work.change.on_delete;
  ddl.on_delete_columns = physical(draft.work, table, work.change.on_delete_columns, true);
  ddl.deferrable = work.change.deferrable;
  ddl.initially_deferred = work.change.initially_deferred;
  const auto tables = sorted_pair(table.name, references.name);
  Step add = statement_step(
      draft, prefix + "/validate/add", Phase::kValidate,
      fmt::format("Begin to enforce foreign key {} for new rows", work.name),
      "NOT VALID takes a moment on both tables; rows that exist are looked at in a step of its own.",
      {pg::LockTables{referenced_first(table.name, references.name), pg::LockMode::kShareRowExclusive}, ddl},
      std::vector<pg::Ddl>{pg::LockTables{tables, pg::LockMode::kAccessExclusive},
                           pg::DropConstraint{table.name, work.name, references.name}});
  add.needs = std::move(needs);
  add.done_when = constraint_exists(table.name, work.name);
  const std::string add_id = draft.add(std::move(add)).id;

  Step validate = statement_step(
      draft, prefix + "/validate/validate", Phase::kValidate, fmt::format("Validate foreign key {}", work.name),
      "The scan runs beside reads and writes of both tables.",
      {pg::ValidateConstraint{table.name, work.name, references.name}}, std::vector<pg::Ddl>{});
  validate.needs = {add_id};
  validate.done_when = constraint_valid(table.name, work.name);
  validate.estimate.rows = static_cast<std::int64_t>(std::max(0.0, table.rows));
  draft.add(std::move(validate));
}

std::vector<std::string> mapped(const Work& work, const pg::Table& table, const std::vector<std::string>& columns,
                                bool& moves) {
  std::vector<std::string> names;
  const TableWork* table_work = work.find(table.name);
  for (const std::string& column : columns) {
    const ShadowPair* pair = table_work == nullptr ? nullptr : table_work->pair_of(column);
    moves = moves || pair != nullptr;
    names.push_back(pair == nullptr ? column : pair->shadow);
  }
  return names;
}

}  // namespace

std::vector<MovedKey> moved_keys(const Work& work) {
  std::vector<MovedKey> keys;
  for (const pg::Table& child : work.snapshot->tables) {
    for (const pg::Constraint& constraint : child.constraints) {
      if (constraint.kind != 'f') continue;
      const pg::Table* parent = work.snapshot->table(constraint.references);
      if (parent == nullptr) continue;
      MovedKey key;
      key.child = &child;
      key.parent = parent;
      key.key = &constraint;
      key.columns = mapped(work, child, constraint.columns, key.child_moves);
      key.referenced_columns = mapped(work, *parent, constraint.referenced_columns, key.parent_moves);
      bool moves = false;
      key.on_delete_columns = mapped(work, child, constraint.on_delete_columns, moves);
      key.shadow_name = generated_name("fk", {child.name.schema, child.name.name, constraint.name});
      if (key.child_moves || key.parent_moves) keys.push_back(std::move(key));
    }
  }
  return keys;
}

void carry_foreign_keys(Draft& draft) {
  for (const MovedKey& key : moved_keys(draft.work)) {
    const std::string prefix = fmt::format("{}.{}", key.child->name.display(), quote_identifier(key.key->name));
    const auto tables = sorted_pair(key.child->name, key.parent->name);
    pg::AddForeignKey ddl;
    ddl.table = key.child->name;
    ddl.name = key.shadow_name;
    ddl.columns = key.columns;
    ddl.references = key.parent->name;
    ddl.referenced_columns = key.referenced_columns;
    ddl.match = key.key->match;
    ddl.on_update = key.key->on_update;
    ddl.on_delete = key.key->on_delete;
    ddl.on_delete_columns = key.on_delete_columns;
    ddl.deferrable = key.key->deferrable;
    ddl.initially_deferred = key.key->deferred;
    Step add = statement_step(
        draft, prefix + "/validate/add", Phase::kValidate,
        fmt::format("Add the new columns' form of foreign key {}", key.key->name),
        "NOT VALID takes a moment on both tables; rows that exist are looked at in a step of its own.",
        {pg::LockTables{referenced_first(key.child->name, key.parent->name), pg::LockMode::kShareRowExclusive}, ddl},
        std::vector<pg::Ddl>{pg::LockTables{tables, pg::LockMode::kAccessExclusive},
                             pg::DropConstraint{key.child->name, key.shadow_name, key.parent->name}});
    for (const pg::Table* side : {key.child, key.parent}) {
      if (const auto copied = draft.copied.find(side->name); copied != draft.copied.end())
        add.needs.push_back(copied->second);
    }
    for (const pg::Index& index : key.parent->indexes) {
      const auto built = draft.index_steps.find(QualifiedName{key.parent->name.schema, index.name}.display());
      if (built != draft.index_steps.end() && index.unique) add.needs.push_back(built->second);
    }
    add.done_when = constraint_exists(key.child->name, key.shadow_name);
    const std::string add_id = draft.add(std::move(add)).id;
    if (!key.key->validated) continue;
    Step validate = statement_step(draft, prefix + "/validate/validate", Phase::kValidate,
                                   fmt::format("Validate the new form of foreign key {}", key.key->name),
                                   "The scan runs beside reads and writes of both tables.",
                                   {pg::ValidateConstraint{key.child->name, key.shadow_name, key.parent->name}},
                                   std::vector<pg::Ddl>{});
    validate.needs = {add_id};
    validate.done_when = constraint_valid(key.child->name, key.shadow_name);
    validate.estimate.rows = static_cast<std::int64_t>(std::max(0.0, key.child->rows));
    draft.add(std::move(validate));
  }
}

void add_foreign_keys(Draft& draft) {
  for (const ForeignKeyWork& work : draft.work.foreign_keys) add_one(draft, work);
}

}  // namespace falsework
