#include "planner/rewrites/trigger.h"

#include <fmt/format.h>

#include "planner/expression.h"

namespace falsework {
namespace {

std::string path_sql(const std::vector<std::string>& path) {
  // `new` before a column is PL/pgSQL's record.
  if (path.size() == 2) return "NEW." + quote_identifier(path[1]);
  return quote_identifier(path.front());
}

// A type without a length, where a cast to the length would cut silently: assignment then checks it.
std::string unbounded(const std::string& type) {
  for (const char* prefix : {"character varying(", "bit varying("}) {
    if (type.rfind(prefix, 0) == 0) return type.substr(0, std::string_view(prefix).size() - 1);
  }
  return type;
}

std::string changed(const std::string& column) {
  // Bytewise: right for json, collations, NaN and -0, and independent of any operator that a search_path could supply.
  return fmt::format("pg_catalog.record_image_ne(ROW(NEW.{0}), ROW(OLD.{0}))", column);
}

struct PairNames {
  std::string o, n;  // quoted, as they are called at the time
};

PairNames names_of(const ShadowPair& pair, bool switched) {
  if (switched && pair.swap_names) return {pair.aside, pair.final_name};
  return {pair.old_name(), pair.shadow};
}

std::string insert_rule(const ShadowPair& pair, bool switched) {
  const PairNames names = names_of(pair, switched);
  return fmt::format(
      "    IF writes_old OR (NEW.{1} IS NULL AND NOT writes_new) THEN\n"
      "      NEW.{1} := {2};\n"
      "    ELSE\n"
      "      NEW.{0} := {3};\n"
      "    END IF;\n",
      quote_identifier(names.o), quote_identifier(names.n), up_assigned(pair, {"new", names.o}),
      down_assigned(pair, {"new", names.n}));
}

std::string update_rule(const ShadowPair& pair, bool switched) {
  const PairNames names = names_of(pair, switched);
  const std::string o = quote_identifier(names.o);
  const std::string n = quote_identifier(names.n);
  const std::string up = up_assigned(pair, {"new", names.o});
  const std::string not_copied =
      pair.fill ? fmt::format("NEW.{} IS NULL", n) : fmt::format("NEW.{} IS NULL AND NEW.{} IS NOT NULL", n, o);
  return fmt::format(
      "    IF {2} OR {3} THEN\n"
      "      IF writes_old OR NOT ({3} OR writes_new) THEN\n"
      "        NEW.{1} := {4};\n"
      "      ELSE\n"
      "        NEW.{0} := {5};\n"
      "      END IF;\n"
      "    ELSIF {6} THEN\n"
      "      NEW.{1} := {4};\n"
      "    END IF;\n",
      o, n, changed(o), changed(n), up, down_assigned(pair, {"new", names.n}), not_copied);
}

std::string fill_rule(const FillRule& fill) {
  const std::string column = quote_identifier(fill.column);
  return fmt::format("  IF NEW.{0} IS NULL THEN\n    NEW.{0} := ({1});\n  END IF;\n", column, fill.expression);
}

// False for the copy, which does by itself what the trigger would do. A setting alone is no proof, for any role can
// set one: the session must also belong to a member of the table's owner.
std::string not_the_copy(const pg::Table& table) {
  return fmt::format(
      "(COALESCE(pg_catalog.current_setting('falsework.copy', true), '') = '' OR NOT "
      "pg_catalog.pg_has_role(SESSION_USER, "
      "{}, 'MEMBER'))",
      quote_literal(table.owner));
}

std::string update_condition(const TableWork& table) {
  std::string news, olds, conditions;
  for (const ShadowPair& pair : table.pairs) {
    for (const std::string& column : {quote_identifier(pair.old_name()), quote_identifier(pair.shadow)}) {
      news += fmt::format("{}NEW.{}", news.empty() ? "" : ", ", column);
      olds += fmt::format("{}OLD.{}", olds.empty() ? "" : ", ", column);
    }
    const std::string n = quote_identifier(pair.shadow);
    conditions +=
        pair.fill ? fmt::format(" OR NEW.{} IS NULL", n)
                  : fmt::format(" OR (NEW.{} IS NULL AND NEW.{} IS NOT NULL)", n, quote_identifier(pair.old_name()));
  }
  for (const FillRule& fill : table.fills)
    conditions += fmt::format(" OR NEW.{} IS NULL", quote_identifier(fill.column));
  if (news.empty()) conditions.erase(0, 4);
  const std::string changes =
      news.empty() ? "" : fmt::format("pg_catalog.record_image_ne(ROW({}), ROW({}))", news, olds);
  return fmt::format("({}{}) AND {}", changes, conditions, not_the_copy(*table.table));
}

std::optional<std::string> insert_condition(const TableWork& table) {
  if (!table.pairs.empty()) return std::nullopt;
  std::string condition;
  for (const FillRule& fill : table.fills) {
    condition += fmt::format("{}NEW.{} IS NULL", condition.empty() ? "" : " OR ", quote_identifier(fill.column));
  }
  return condition;
}

}  // namespace

TriggerNames trigger_names(const pg::Table& table) {
  // Triggers of one event fire in the order of their names; `~` sorts after every other ASCII character.
  const std::string readable(cut_utf8(table.name.name, 30));
  return {{table.name.schema, generated_name("dual_write", {table.name.schema, table.name.name})},
          "~" + generated_name("insert", {readable}),
          "~" + generated_name("update", {readable})};
}

std::string up_assigned(const ShadowPair& pair, const std::vector<std::string>& path) {
  std::string value = pair.up ? fmt::format("({})", over(*pair.up, {{pair.value_name, path}})) : path_sql(path);
  if (!pair.fill) return value;
  return fmt::format("COALESCE({}, ({})::{})", up_typed(pair, path), *pair.fill, unbounded(pair.type));
}

std::string up_typed(const ShadowPair& pair, const std::vector<std::string>& path) {
  const std::string value = pair.up ? fmt::format("({})", over(*pair.up, {{pair.value_name, path}})) : path_sql(path);
  if (!pair.type_changes) return value;
  return fmt::format("{}::{}", value, unbounded(pair.type));
}

std::string down_assigned(const ShadowPair& pair, const std::vector<std::string>& path) {
  return pair.down ? fmt::format("({})", over(*pair.down, {{pair.value_name, path}})) : path_sql(path);
}

std::string down_typed(const ShadowPair& pair, const std::vector<std::string>& path) {
  const std::string value = down_assigned(pair, path);
  if (!pair.type_changes) return value;
  return fmt::format("{}::{}", value, unbounded(pair.column->type.name));
}

pg::CreateTriggerFunction trigger_function(const TableWork& table, bool switched) {
  std::string body;
  std::string time_zone;
  if (!table.pairs.empty()) {
    body +=
        "DECLARE\n"
        "  shape CONSTANT pg_catalog.text := pg_catalog.current_setting('falsework.shape', true);\n"
        "  writes_old CONSTANT pg_catalog.bool := COALESCE(shape OPERATOR(pg_catalog.=) 'old', false);\n"
        "  writes_new CONSTANT pg_catalog.bool := COALESCE(shape OPERATOR(pg_catalog.=) 'new', false);\n";
  }
  body += "BEGIN\n";
  for (const FillRule& fill : table.fills) body += fill_rule(fill);
  if (!table.pairs.empty()) {
    body += "  IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN\n";
    for (const ShadowPair& pair : table.pairs) body += insert_rule(pair, switched);
    body += "  ELSE\n";
    for (const ShadowPair& pair : table.pairs) {
      body += update_rule(pair, switched);
      if (!pair.time_zone.empty()) time_zone = pair.time_zone;
    }
    body += "  END IF;\n";
  }
  body += "  RETURN NEW;\nEND";
  return {trigger_names(*table.table).function, body, "", time_zone, false};
}

std::vector<pg::Ddl> create_triggers(const TableWork& table) {
  const TriggerNames names = trigger_names(*table.table);
  return {pg::CreateTrigger{table.table->name, names.on_insert, "INSERT", insert_condition(table), names.function},
          pg::CreateTrigger{table.table->name, names.on_update, "UPDATE", update_condition(table), names.function}};
}

std::vector<pg::Ddl> drop_triggers(const TableWork& table) {
  const TriggerNames names = trigger_names(*table.table);
  return {pg::DropTrigger{table.table->name, names.on_insert}, pg::DropTrigger{table.table->name, names.on_update},
          pg::DropFunction{names.function}};
}

}  // namespace falsework
