#include "postgres/sql/alter_table.h"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <cstring>

#include "base/error_kinds.h"
#include "base/identifier.h"
#include "postgres/sql/parse_tree.h"
#include "postgres/sql/render_expression.h"
#include "postgres/sql/render_type.h"

namespace falsework::pg {

namespace {

constexpr const char* kUnderstood =
    "Understood are, of ALTER TABLE: RENAME COLUMN … TO …, ALTER COLUMN … TYPE … [COLLATE …] [USING …], "
    "ALTER COLUMN … SET NOT NULL, and ADD [CONSTRAINT …] FOREIGN KEY ….";

[[noreturn]] void refuse(const std::string& message) { throw Error(errors::kDeclarationInvalid, message, kUnderstood); }

std::optional<std::string> optional_text(const char* text) {
  if (std::strlen(text) == 0) return std::nullopt;
  return text;
}

WrittenName written_name(const PgQuery__RangeVar& relation) {
  if (std::strlen(relation.catalogname) > 0) {
    refuse(
        fmt::format("the name {}.{}.{} holds a database", relation.catalogname, relation.schemaname, relation.relname));
  }
  return {optional_text(relation.schemaname), relation.relname};
}

WrittenName written_table(const PgQuery__RangeVar& relation, bool missing_ok) {
  WrittenName table = written_name(relation);
  if (missing_ok)
    refuse(fmt::format("IF EXISTS on {} is not understood: a change names a table that exists", table.name));
  if (relation.inh == 0)
    refuse(fmt::format("ONLY {} is not understood: a change is made to all parts of a table", table.name));
  return table;
}

// `AT_DropColumn` as people write it: `DROP COLUMN`.
std::string action_words(PgQuery__AlterTableType type) {
  const ProtobufCEnumValue* value = protobuf_c_enum_descriptor_get_value(&pg_query__alter_table_type__descriptor, type);
  const std::string_view name = value != nullptr ? std::string_view(value->name) : "AT_Unknown";
  std::string words;
  for (const char c : name.substr(std::min<std::size_t>(3, name.size()))) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !words.empty()) words += ' ';
    words += upper ? c : static_cast<char>(c - 'a' + 'A');
  }
  return words;
}

WrittenColumnType column_type(const PgQuery__AlterTableCmd& command) {
  const PgQuery__ColumnDef& column = *command.def->column_def;
  WrittenColumnType result;
  result.column = command.name;
  result.type = render_canonical_type(*column.type_name);
  if (column.coll_clause != nullptr) {
    std::string name;
    for (const std::string& part : name_parts(column.coll_clause->collname, column.coll_clause->n_collname)) {
      name += (name.empty() ? "" : ".") + quote_identifier(part);
    }
    result.collation = name;
  }
  if (column.raw_default != nullptr) {
    verify_rendering(*column.raw_default, "USING");
    result.using_expression = render_expression(*column.raw_default, {}, "USING");
  }
  return result;
}

WrittenForeignKey foreign_key(const PgQuery__Constraint& constraint) {
  WrittenForeignKey result;
  result.name = optional_text(constraint.conname);
  result.columns = name_parts(constraint.fk_attrs, constraint.n_fk_attrs);
  result.references = written_name(*constraint.pktable);
  result.referenced_columns = name_parts(constraint.pk_attrs, constraint.n_pk_attrs);
  const auto letter = [](const char* text, char otherwise) { return std::strlen(text) == 0 ? otherwise : text[0]; };
  result.match = letter(constraint.fk_matchtype, 's');
  result.on_update = letter(constraint.fk_upd_action, 'a');
  result.on_delete = letter(constraint.fk_del_action, 'a');
  result.on_delete_columns = name_parts(constraint.fk_del_set_cols, constraint.n_fk_del_set_cols);
  result.deferrable = constraint.deferrable != 0;
  result.initially_deferred = constraint.initdeferred != 0;
  result.not_valid = constraint.skip_validation != 0;
  return result;
}

std::string constraint_words(PgQuery__ConstrType type) {
  switch (type) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK: return "CHECK";
    case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY: return "PRIMARY KEY";
    case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE: return "UNIQUE";
    case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION: return "EXCLUDE";
    default: return "this constraint";
  }
}

WrittenChange written_action(const WrittenName& table, const PgQuery__AlterTableCmd& command) {
  switch (command.subtype) {
    case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull: return {table, WrittenSetNotNull{command.name}};
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType: return {table, column_type(command)};
    case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint: {
      const PgQuery__Constraint& constraint = *command.def->constraint;
      if (constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN) return {table, foreign_key(constraint)};
      refuse(fmt::format("ALTER TABLE {} ADD {} is not understood", table.name, constraint_words(constraint.contype)));
    }
    default: refuse(fmt::format("ALTER TABLE {} {} is not understood", table.name, action_words(command.subtype)));
  }
}

std::vector<WrittenChange> read_rename(const PgQuery__RenameStmt& rename) {
  if (rename.relation == nullptr || rename.relation_type != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE ||
      rename.rename_type != PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN) {
    refuse(fmt::format("this RENAME is not understood{}",
                       rename.relation != nullptr ? fmt::format(" (of {})", rename.relation->relname) : std::string()));
  }
  return {
      {written_table(*rename.relation, rename.missing_ok != 0), WrittenRenameColumn{rename.subname, rename.newname}}};
}

// The first two words, to name a statement that is not understood.
std::string first_words(std::string_view statement) {
  std::string words;
  int count = 0;
  for (const char c : statement) {
    const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (space && !words.empty() && words.back() != ' ' && ++count == 2) break;
    if (!space) words += c;
    if (space && !words.empty() && words.back() != ' ') words += ' ';
  }
  return words;
}

}  // namespace

std::vector<WrittenChange> read_alter_table(std::string_view statement) {
  std::variant<Tree, SyntaxError> parsed = parse_sql(std::string(statement));
  if (const SyntaxError* error = std::get_if<SyntaxError>(&parsed)) {
    refuse(fmt::format("`{}` is malformed: {}", first_words(statement), error->message));
  }
  const Tree& tree = std::get<Tree>(parsed);
  if (tree.size() != 1) refuse("not exactly one statement");
  const PgQuery__Node& node = tree.statement(0);
  if (node.node_case == PG_QUERY__NODE__NODE_RENAME_STMT) return read_rename(*node.rename_stmt);
  if (node.node_case != PG_QUERY__NODE__NODE_ALTER_TABLE_STMT ||
      node.alter_table_stmt->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
    refuse(fmt::format("`{}` is not understood", first_words(statement)));
  }
  const PgQuery__AlterTableStmt& alter = *node.alter_table_stmt;
  const WrittenName table = written_table(*alter.relation, alter.missing_ok != 0);
  std::vector<WrittenChange> changes;
  for (std::size_t i = 0; i < alter.n_cmds; ++i) {
    changes.push_back(written_action(table, *alter.cmds[i]->alter_table_cmd));
  }
  return changes;
}

}  // namespace falsework::pg
