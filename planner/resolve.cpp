#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/error_kinds.h"
#include "planner/declare/declare.h"
#include "planner/expression.h"
#include "planner/naive.h"
#include "planner/names.h"
#include "planner/obstacles.h"
#include "planner/work.h"
#include "postgres/catalog/builtin_type.h"
#include "postgres/sql/syntax.h"

namespace falsework {
namespace {

// A column that changes, as the changes read so far leave it.
struct ColumnDraft {
  const pg::Table* table = nullptr;
  const pg::Column* column = nullptr;
  std::string name;  // as the next change would call it
  std::string type;
  std::optional<QualifiedName> collation;
  bool type_declared = false, implied = false, not_null_declared = false, accept_loss = false;
  std::optional<std::string> up, down, fill;
  std::string up_name;  // what `up` and `down` call the column
  std::string time_zone;
  bool zone_given = false;  // `up` and `down` name their zone themselves
  std::string where;
  std::vector<std::size_t> changes;  // indexes into Migration::changes

  bool renamed() const { return name != column->name; }
  bool type_changes() const { return type_declared && (type != column->type.name || collation != column->collation); }
};

class Resolver {
 public:
  Resolver(const Migration& migration, const pg::Snapshot& snapshot) : migration_(migration), snapshot_(snapshot) {}

  Work run() {
    work_.snapshot = &snapshot_;
    work_.migration = migration_.name;
    work_.releases = migration_.releases;
    work_.gates = migration_.gates;
    work_.author = migration_.author;
    work_.archive = migration_.archive;
    for (index_ = 0; index_ < migration_.changes.size(); ++index_) {
      const Change& change = migration_.changes[index_];
      where_ = change.where;
      std::visit([this](const auto& action) { read(action); }, change.action);
    }
    follow_keys();
    for (ColumnDraft& draft : drafts_) settle(draft);
    for (auto& [name, table] : work_.tables) check_shadows(table);
    check_archives();
    count_old_writes();
    for (const Change& change : migration_.changes) work_.changes.push_back(describe_change(change, work_));
    refuse_nothing_to_do();
    return std::move(work_);
  }

 private:
  [[noreturn]] void fail(const ErrorKind& kind, const std::string& message, const std::string& hint) const {
    throw Error(kind, where_.empty() ? message : fmt::format("{}: {}", where_, message), hint);
  }

  const pg::Table& find_table(const WrittenTable& written) const {
    const pg::Table* table = nullptr;
    if (!written.schema.empty()) {
      table = snapshot_.table(written);
    } else {
      for (const std::string& schema : snapshot_.search_path) {
        table = snapshot_.table({schema, written.name});
        if (table != nullptr) break;
      }
    }
    if (table == nullptr) refuse_view(written);
    if (table == nullptr) {
      fail(errors::kObjectMissing,
           fmt::format("no table {}", written.schema.empty() ? quote_identifier(written.name) : written.display()),
           fmt::format(
               "Check the name; schemas searched: {}.",
               written.schema.empty() ? fmt::format("{}", fmt::join(snapshot_.search_path, ", ")) : written.schema));
    }
    for (const pg::Trigger& trigger : table->triggers) {
      if (trigger.name.rfind("~_fw_", 0) != 0) continue;
      fail(errors::kPlanConflict,
           fmt::format("{} is under change already: it has the dual-write trigger {}", table->name.display(),
                       trigger.name),
           "Finish that run first, or roll it back (falsework status lists runs); or declare both changes in one "
           "migration.");
    }
    if (const auto obstacles = table_obstacles(*table); !obstacles.empty()) {
      fail(errors::kChangeRefused,
           fmt::format("cannot change {}: {}", table->name.display(), fmt::join(obstacles, "; ")),
           "Falsework could not carry this change through safely: make it by other means.");
    }
    return *table;
  }

  void refuse_view(const WrittenTable& written) const {
    const auto& path = snapshot_.search_path;
    for (const pg::View& view : snapshot_.views) {
      const bool named = view.name.name == written.name &&
                         (written.schema.empty() ? std::find(path.begin(), path.end(), view.name.schema) != path.end()
                                                 : view.name.schema == written.schema);
      if (!named) continue;
      fail(errors::kObjectMissing,
           fmt::format("no table {0}: {0} is a {1}", view.name.display(),
                       view.kind == 'm' ? "materialized view" : "view"),
           "Declare the change for the table that it reads; a view that reads a changed column goes with it.");
    }
  }

  ColumnDraft& find_column(const pg::Table& table, const std::string& name) {
    for (ColumnDraft& draft : drafts_) {
      if (draft.table == &table && draft.name == name) return draft;
    }
    const pg::Column* column = table.column(name);
    const bool renamed_away = std::any_of(drafts_.begin(), drafts_.end(), [&](const ColumnDraft& draft) {
      return draft.table == &table && draft.column->name == name;
    });
    if (column == nullptr || renamed_away) {
      std::string columns;
      for (const pg::Column& each : table.columns) columns += (columns.empty() ? "" : ", ") + each.name;
      fail(errors::kObjectMissing,
           fmt::format("no column {} in table {}", quote_identifier(name), table.name.display()),
           fmt::format("Its columns are {}.", columns));
    }
    ColumnDraft draft;
    draft.table = &table;
    draft.column = column;
    draft.name = name;
    draft.type = column->type.name;
    draft.collation = column->collation;
    draft.where = where_;
    return drafts_.emplace_back(std::move(draft));
  }

  void read(const RenameColumn& change) {
    const pg::Table& table = find_table(change.table);
    ColumnDraft& draft = find_column(table, change.from);
    if (change.to == change.from) return;
    const bool taken = std::any_of(drafts_.begin(), drafts_.end(), [&](const ColumnDraft& other) {
      return other.table == &table && other.name == change.to;
    });
    if (table.column(change.to) != nullptr || taken) {
      fail(errors::kObjectExists, fmt::format("column {} exists already", display_column(table.name, change.to)),
           "Choose another name, or drop or rename the column that has it first.");
    }
    draft.name = change.to;
    draft.changes.push_back(index_);
  }

  void read(const ChangeType& change) {
    const pg::Table& table = find_table(change.table);
    ColumnDraft& draft = find_column(table, change.column);
    if (draft.type_declared) {
      fail(errors::kDeclarationInvalid,
           fmt::format("the type of {} is changed twice", display_column(table.name, change.column)),
           "Declare the type that it is to have in the end, once.");
    }
    draft.type_declared = true;
    draft.type = resolve_type(change.to);
    draft.collation = resolve_collation(change.collation);
    draft.up = change.up;
    draft.down = change.down;
    draft.up_name = change.column;
    draft.time_zone = change.time_zone.value_or("");
    draft.accept_loss = change.accept_loss;
    draft.where = where_;
    draft.changes.push_back(index_);
  }

  // A collation without a schema is one of the server's own; its "default" is what a type has without COLLATE.
  static std::optional<QualifiedName> resolve_collation(std::optional<QualifiedName> written) {
    if (written && written->schema.empty()) written->schema = "pg_catalog";
    if (written == QualifiedName{"pg_catalog", "default"}) return std::nullopt;
    return written;
  }

  // A user's type gets the schema that the search_path gives it, as format_type would spell it; pg_catalog is searched
  // first, as by the server.
  std::string resolve_type(const std::string& written) const {
    if (pg::is_builtin_type(written)) return written;
    const std::size_t end = end_of_name(written);
    const std::string base = written.substr(0, end);
    for (const std::string& schema : snapshot_.search_path) {
      for (const QualifiedName& type : snapshot_.types) {
        if (type.schema == schema && (quote_identifier(type.name) == base || type.name == base))
          return type.sql() + written.substr(end);
      }
    }
    for (const QualifiedName& type : snapshot_.types) {
      if (type.sql() == base) return written;
    }
    // A table's row type bears the table's name.
    const auto& relations = snapshot_.relation_names;
    if (std::find(relations.begin(), relations.end(), base) != relations.end()) return written;
    fail(errors::kObjectMissing, fmt::format("no type {}", base),
         fmt::format("Check the name; schemas searched: pg_catalog, {}.", fmt::join(snapshot_.search_path, ", ")));
  }

  // Where the name of a type ends and its modifiers or `[]` begin.
  static std::size_t end_of_name(const std::string& type) {
    bool quoted = false;
    for (std::size_t i = 0; i < type.size(); ++i) {
      if (type[i] == '"') quoted = !quoted;
      if (!quoted && (type[i] == '(' || type[i] == '[')) return i;
    }
    return type.size();
  }

  void read(const SetNotNull& change) {
    const pg::Table& table = find_table(change.table);
    ColumnDraft& draft = find_column(table, change.column);
    if (draft.column->not_null) return;
    for (const pg::Constraint& constraint : table.constraints) {
      if (constraint.kind != 'n' || constraint.columns != std::vector<std::string>{draft.column->name}) continue;
      fail(errors::kChangeRefused,
           fmt::format("{} has the not-null constraint {} already, which is not validated",
                       display_column(table.name, draft.column->name), constraint.name),
           "Run ALTER TABLE … VALIDATE CONSTRAINT: it reads the table beside reads and writes, and is all that is "
           "missing.");
    }
    draft.not_null_declared = true;
    draft.fill = change.fill;
    draft.where = where_;
    draft.changes.push_back(index_);
  }

  void read(const AddForeignKey& change) {
    ForeignKeyWork work;
    work.change = change;
    const pg::Table& table = find_table(change.table);
    const pg::Table& references = find_table(change.references);
    work.table = table.name;
    work.references = references.name;
    for (const std::string& column : change.columns) static_cast<void>(find_column(table, column));
    if (work.change.referenced_columns.empty()) {
      for (const pg::Constraint& constraint : references.constraints) {
        if (constraint.kind == 'p') work.change.referenced_columns = current_names(references, constraint.columns);
      }
      if (work.change.referenced_columns.empty()) {
        fail(errors::kObjectMissing, fmt::format("{} has no primary key to reference", references.name.display()),
             "Name the referenced columns.");
      }
    }
    for (const std::string& column : work.change.referenced_columns) static_cast<void>(find_column(references, column));
    if (work.change.columns.size() != work.change.referenced_columns.size()) {
      fail(errors::kDeclarationInvalid,
           fmt::format("the foreign key has {} columns and references {}", work.change.columns.size(),
                       work.change.referenced_columns.size()),
           "Give as many referenced columns as referencing ones.");
    }
    require_unique(references, work.change.referenced_columns);
    if (!change.on_delete_columns.empty() && snapshot_.server_major() < 15) {
      fail(errors::kChangeRefused,
           fmt::format("PostgreSQL {} cannot set only some of the columns on delete", snapshot_.server_major()),
           "Leave the list out, or use PostgreSQL 15 or newer.");
    }
    work.name = change.name.value_or(default_foreign_key_name(table, change.columns));
    if (table.constraint(work.name) != nullptr) {
      fail(errors::kObjectExists,
           fmt::format("constraint {} of {} exists already", quote_identifier(work.name), table.name.display()),
           "Give the foreign key another name.");
    }
    work_.foreign_keys.push_back(std::move(work));
  }

  std::vector<std::string> current_names(const pg::Table& table, const std::vector<std::string>& columns) const {
    std::vector<std::string> names;
    for (const std::string& column : columns) {
      std::string name = column;
      for (const ColumnDraft& draft : drafts_) {
        if (draft.table == &table && draft.column->name == column) name = draft.name;
      }
      names.push_back(name);
    }
    return names;
  }

  std::vector<std::string> old_names(const pg::Table& table, const std::vector<std::string>& columns) {
    std::vector<std::string> names;
    for (const std::string& column : columns) names.push_back(find_column(table, column).column->name);
    return names;
  }

  void require_unique(const pg::Table& table, const std::vector<std::string>& columns) {
    std::vector<std::string> wanted = old_names(table, columns);
    std::sort(wanted.begin(), wanted.end());
    for (const pg::Index& index : table.indexes) {
      if (!index.unique || !index.valid || !index.immediate || index.predicate) continue;
      std::vector<std::string> key;
      for (const pg::IndexColumn& column : index.key) key.push_back(column.column.value_or(""));
      std::sort(key.begin(), key.end());
      if (key == wanted) return;
    }
    fail(errors::kChangeRefused,
         fmt::format("there is no unique constraint on {} ({})", table.name.display(), fmt::join(columns, ", ")),
         "Add one first: a foreign key needs a unique key to reference.");
  }

  // A key and every column that references it change together.
  void follow_keys() {
    for (std::size_t next = 0; next < drafts_.size(); ++next) {
      if (!drafts_[next].type_changes()) continue;
      const ColumnDraft key = drafts_[next];
      for (const pg::Table& table : snapshot_.tables) {
        for (const pg::Constraint& constraint : table.constraints) {
          if (constraint.kind != 'f' || constraint.references != key.table->name) continue;
          for (std::size_t i = 0; i < constraint.referenced_columns.size(); ++i) {
            if (constraint.referenced_columns[i] == key.column->name) follow(key, table, constraint.columns[i]);
          }
        }
      }
    }
  }

  void follow(const ColumnDraft& key, const pg::Table& table, const std::string& column_name) {
    where_ = key.where;
    const pg::Column* column = table.column(column_name);
    if (column == nullptr || column->type.name != key.column->type.name) return;
    ColumnDraft* draft = nullptr;
    for (ColumnDraft& each : drafts_) {
      if (each.table == &table && each.column == column) draft = &each;
    }
    if (draft == nullptr) {
      find_table(table.name);
      draft = &find_column(table, column_name);
    }
    if (draft->type_declared) return;
    draft->type_declared = draft->implied = true;
    draft->type = key.type;
    draft->collation = key.collation;
    draft->up = key.up;
    draft->down = key.down;
    draft->up_name = key.up_name;
    draft->time_zone = key.time_zone;
    draft->accept_loss = key.accept_loss;
    draft->where = key.where;
    draft->changes = key.changes;
  }

  TableWork& table_work(const pg::Table& table) {
    TableWork& work = work_.tables[table.name];
    work.table = &table;
    return work;
  }

  void settle(ColumnDraft& draft) {
    where_ = draft.where;
    const bool type_changes = draft.type_changes();
    if (!draft.renamed() && !type_changes && !draft.not_null_declared) return;
    TableWork& work = table_work(*draft.table);
    pg::TypeChange change{pg::TypeChangeCost::kNothing, pg::CastKind::kTotal, pg::CastKind::kTotal, false};
    if (type_changes && draft.type != draft.column->type.name) {
      change = pg::classify_type_change(draft.column->type, draft.type);
    } else if (type_changes) {
      change.cost = pg::TypeChangeCost::kIndexRebuild;  // another collation: every index on the column is rebuilt
    }
    if (type_changes) settle_time_zone(draft, change);
    const bool in_place = type_changes && !draft.renamed() && !draft.up &&
                          in_place_obstacles(snapshot_, *draft.table, *draft.column, change.cost).empty();
    if (draft.renamed() || (type_changes && !in_place)) {
      settle_shadow(draft, change, work);
      return;
    }
    if (in_place) work.types.push_back({draft.column, draft.type, draft.collation});
    if (draft.not_null_declared) settle_not_null(draft, work);
  }

  // timestamp <-> timestamptz means something only in a time zone; others that depend on settings need `up`.
  void settle_time_zone(ColumnDraft& draft, pg::TypeChange& change) {
    if (!change.session_dependent || draft.up) return;
    const auto family = [](const std::string& type) {
      if (type.find("with time zone") != std::string::npos && type.rfind("timestamp", 0) == 0) return 'z';
      if (type.rfind("timestamp", 0) == 0) return 't';
      return '-';
    };
    const char from = family(draft.column->type.name);
    const char to = family(draft.type);
    const std::string name = display_column(draft.table->name, draft.column->name);
    if (from == '-' || to == '-' || from == to) {
      fail(errors::kChangeRefused,
           fmt::format("the conversion of {} from {} to {} depends on the session's settings", name,
                       draft.column->type.name, draft.type),
           "Give \"up\" and \"down\" as expressions that do not.");
    }
    if (draft.time_zone.empty()) {
      fail(errors::kChangeRefused,
           fmt::format("the conversion of {} from {} to {} depends on the session's TimeZone", name,
                       draft.column->type.name, draft.type),
           "Give \"time_zone\", the zone that the stored times are in, such as \"UTC\".");
    }
    if (draft.time_zone == "UTC") {
      change.session_dependent = false;
      if (in_place_obstacles(snapshot_, *draft.table, *draft.column, change.cost).empty() && !draft.renamed()) return;
    }
    // With the zone given, timezone(text, timestamp[tz]) is immutable, though other functions of that name are not.
    draft.up = draft.down =
        fmt::format("timezone({}, {})", quote_literal(draft.time_zone), quote_identifier(draft.up_name));
    draft.zone_given = true;
  }

  void settle_shadow(ColumnDraft& draft, const pg::TypeChange& change, TableWork& work) {
    const pg::Table& table = *draft.table;
    const std::string name = display_column(table.name, draft.column->name);
    ShadowPair pair;
    pair.column = draft.column;
    pair.swap_names = !draft.renamed();
    pair.final_name = draft.name;
    pair.shadow =
        pair.swap_names ? generated_name("new", {table.name.schema, table.name.name, draft.name}) : draft.name;
    pair.aside = generated_name("old", {table.name.schema, table.name.name, draft.column->name});
    pair.type = draft.type;
    pair.type_changes = draft.type_changes();
    pair.collation = draft.collation;
    pair.not_null = draft.column->not_null || draft.not_null_declared;
    pair.up_cast = change.up;
    pair.down_cast = change.down;
    pair.value_name = draft.column->name;
    pair.time_zone = draft.time_zone == "UTC" ? "UTC" : "";
    if ((change.up == pg::CastKind::kNone && !draft.up) || (change.down == pg::CastKind::kNone && !draft.down)) {
      fail(errors::kChangeRefused,
           fmt::format("cannot convert {} from {} to {} by itself: there is no assignment cast {}", name,
                       draft.column->type.name, draft.type,
                       change.up == pg::CastKind::kNone && !draft.up ? "there" : "back"),
           "Give \"up\" (USING, in SQL) and \"down\" as expressions over the column.");
    }
    const bool pinned = draft.time_zone == "UTC";
    const auto accept = [&](const std::optional<std::string>& expression,
                            const char* what) -> std::optional<std::string> {
      if (!expression) return std::nullopt;
      const std::string accepted =
          accept_expression(*expression, snapshot_, table, {draft.column->name, draft.up_name, draft.name},
                            pinned || draft.zone_given, {fmt::format("\"{}\" of {}", what, name), draft.where, true});
      const std::vector<std::string> value{pair.value_name};
      return over(accepted, {{draft.column->name, value}, {draft.up_name, value}, {draft.name, value}});
    };
    pair.up = accept(draft.up, "up");
    pair.down = accept(draft.down, "down");
    // A default of a user's type, a domain say, could be more than a value in the catalog.
    // Nor does the server add a column with a default where a column elsewhere has the table's row type.
    pair.constant = pair.up && !pinned && !table.row_type_used && pair.type.find('.') == std::string::npos &&
                    pg::inspect_expression(*pair.up).columns.empty();
    if (pair.up && change.up == pg::CastKind::kNone) pair.up_cast = pg::CastKind::kPartialLossy;
    if (pair.down && change.down == pg::CastKind::kNone) pair.down_cast = pg::CastKind::kPartialLossy;
    if (draft.fill) {
      pair.fill = accept_expression(*draft.fill, snapshot_, table, {}, pinned,
                                    {fmt::format("\"fill\" of {}", name), draft.where, draft.type_declared});
    }
    pair.accept_loss = draft.accept_loss;
    pair.implied = draft.implied;
    work.pairs.push_back(std::move(pair));
  }

  void settle_not_null(const ColumnDraft& draft, TableWork& work) {
    work.not_nulls.push_back({draft.column, draft.fill.has_value()});
    if (!draft.fill) return;
    if (draft.column->generated != 0) {
      fail(errors::kChangeRefused,
           fmt::format("cannot fill {}: it is generated, and nothing but its expression can write it",
                       display_column(draft.table->name, draft.column->name)),
           "Leave \"fill\" out, or change what the expression reads first.");
    }
    work.fills.push_back(
        {draft.column->name,
         accept_expression(*draft.fill, snapshot_, *draft.table, {}, false,
                           {fmt::format("\"fill\" of {}", display_column(draft.table->name, draft.column->name)),
                            draft.where, false})});
  }

  void count_old_writes() {
    const auto contract = work_.gates.find("contract");
    const bool awaited = contract != work_.gates.end() && contract->second.no_old_writer;
    if (!awaited && !work_.archive) return;
    for (auto& [name, table] : work_.tables) {
      if (table.pairs.empty()) continue;
      table.counter = QualifiedName{name.schema, generated_name("old_writes", {name.schema, name.name})};
    }
  }

  // Rows are found again by their primary key, whose columns the archive compares as pg_catalog does.
  void check_archives() {
    if (!work_.archive) return;
    where_.clear();
    bool any = false;
    for (const auto& [name, table] : work_.tables) {
      if (table.pairs.empty()) continue;
      any = true;
      const auto problem = why_no_archive(table);
      if (!problem) continue;
      fail(errors::kChangeRefused, fmt::format("cannot archive what {} drops: {}", migration_.name, *problem),
           "Leave \"archive\" out and keep a backup, or take away what is in the way: rows are found by a primary key "
           "of "
           "built-in types, and put back by a rewrite.");
    }
    if (!any) {
      fail(errors::kDeclarationInvalid, fmt::format("{} asks for an archive, and drops no column", migration_.name),
           "Leave \"archive\" out: everything that this migration does can be undone.");
    }
  }

  void check_shadows(TableWork& work) {
    for (const ShadowPair& pair : work.pairs) {
      for (const ColumnDraft& draft : drafts_) {
        if (draft.column == pair.column) where_ = draft.where;
      }
      const auto obstacles = shadow_obstacles(snapshot_, work, pair);
      if (obstacles.empty()) continue;
      fail(errors::kChangeRefused,
           fmt::format("cannot move {} to a new column: {}", display_column(work.table->name, pair.old_name()),
                       fmt::join(obstacles, "; ")),
           "Remove what stands in the way and put it back afterwards, or make this change by other means.");
    }
  }

  void refuse_nothing_to_do() {
    where_.clear();
    if (work_.tables.empty() && work_.foreign_keys.empty()) {
      fail(errors::kDeclarationEmpty,
           fmt::format("migration {} would do nothing: the catalog is as declared", migration_.name),
           "Nothing has to be planned.");
    }
  }

  const Migration& migration_;
  const pg::Snapshot& snapshot_;
  Work work_;
  std::deque<ColumnDraft> drafts_;  // references stay valid
  std::size_t index_ = 0;
  std::string where_;
};

}  // namespace

Work resolve(const Migration& migration, const pg::Snapshot& snapshot) { return Resolver(migration, snapshot).run(); }

const ShadowPair* TableWork::pair_of(const std::string& old_name) const {
  for (const ShadowPair& pair : pairs) {
    if (pair.old_name() == old_name) return &pair;
  }
  return nullptr;
}

const TableWork* Work::find(const QualifiedName& table) const {
  const auto found = tables.find(table);
  return found == tables.end() ? nullptr : &found->second;
}

}  // namespace falsework
