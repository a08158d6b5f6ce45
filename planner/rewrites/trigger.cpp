#include "planner/rewrites/trigger.h"

#include <fmt/format.h>

#include <regex>

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

// Types of which equal values have equal bytes, with the one exception that a collation can make: their operator is
// several times as fast as the comparison of records.
bool equal_in_bytes(const std::string& type, const std::optional<QualifiedName>& collation) {
  static const std::regex kTypes(
      "smallint|integer|bigint|oid|boolean|uuid|date|timestamp(\\([0-9]\\))? with(out)? time zone|bytea|text|"
      "character varying(\\([0-9]+\\))?");
  return !collation && std::regex_match(type, kTypes);
}

// Whether an update changes this column, bytewise: right for json, collations, NaN and -0, and independent of any
// operator that a search_path could supply.
std::string changed(const std::string& column, bool by_operator) {
  if (!by_operator) return fmt::format("pg_catalog.record_image_ne(ROW(NEW.{0}), ROW(OLD.{0}))", column);
  return fmt::format("COALESCE(NEW.{0} OPERATOR(pg_catalog.<>) OLD.{0}, NEW.{0} IS NOT NULL OR OLD.{0} IS NOT NULL)",
                     column);
}

struct PairNames {
  std::string o, n;  // as they are called at the time
};

PairNames names_of(const ShadowPair& pair, bool switched) {
  if (switched && pair.swap_names) return {pair.aside, pair.final_name};
  return {pair.old_name(), pair.shadow};
}

std::string old_changed(const ShadowPair& pair, const PairNames& names) {
  return changed(quote_identifier(names.o), equal_in_bytes(pair.column->type.name, pair.column->collation));
}

std::string new_changed(const ShadowPair& pair, const PairNames& names) {
  return changed(quote_identifier(names.n), equal_in_bytes(pair.type, pair.collation));
}

// What the session says that it writes; NULL where it says nothing. It costs about as much as everything else that a
// rule looks at, so a table that asks once asks where it is needed, and others keep the answer.
constexpr const char* kShapeSetting = "pg_catalog.current_setting('falsework.shape', true)";

struct Asking {
  std::string shape;  // the setting, or the variable that has it
  bool counted = false;

  [[nodiscard]] std::string writes_old() const { return shape + " OPERATOR(pg_catalog.=) 'old'"; }
  [[nodiscard]] std::string writes_new() const { return shape + " OPERATOR(pg_catalog.=) 'new'"; }
};

// The text of a default that is one literal; nullopt for any other, which cannot be told from a written value.
std::optional<std::string> literal_of(const std::string& expression) {
  static const std::regex kLiteral(
      R"(('(?:[^'\\]|'')*'|-?[0-9]+(?:\.[0-9]+)?|true|false)(?:::[A-Za-z0-9_ ."\[\]]+(?:\([0-9, ]+\))?)?)");
  std::smatch match;
  if (!std::regex_match(expression, match, kLiteral)) return std::nullopt;
  return match[1].str();
}

// Whether an INSERT that leaves the new column out has named the old one. Where names are swapped both releases write
// the same name, and where a default filled the old column, nobody can tell: then only what the session says counts.
std::string names_old(const ShadowPair& pair, const std::string& o, const Asking& asking) {
  const pg::Column& column = *pair.column;
  const std::string says = asking.writes_old();
  if (pair.swap_names || column.identity != 0) return says;
  if (!column.default_expression) return fmt::format("{} OR NEW.{} IS NOT NULL", says, o);
  const auto literal = literal_of(*column.default_expression);
  if (!literal) return says;
  return fmt::format("{} OR pg_catalog.record_image_ne(ROW(NEW.{}), ROW({}::{}))", says, o, *literal, column.type.name);
}

// One condition for each rule, in parentheses: a THEN outside of them would end it.
std::string insert_rule(const ShadowPair& pair, bool switched, const Asking& asking) {
  const PairNames names = names_of(pair, switched);
  const std::string o = quote_identifier(names.o);
  return fmt::format(
      "  IF (CASE WHEN NEW.{1} IS NULL THEN {6} ELSE ({5}) IS NOT TRUE END) THEN\n"
      "    NEW.{0} := {3};\n"
      "  ELSE\n"
      "{4}"
      "    NEW.{1} := {2};\n"
      "  END IF;\n",
      o, quote_identifier(names.n), up_assigned(pair, {"new", names.o}), down_assigned(pair, {"new", names.n}),
      asking.counted ? fmt::format("    old_write := old_write OR {};\n", names_old(pair, o, asking)) : "",
      asking.writes_old(), asking.writes_new());
}

// `alone`: the trigger's WHEN speaks of this pair only. So one of the two has changed, or the row is not copied yet.
std::string update_rule(const ShadowPair& pair, bool switched, const Asking& asking, bool alone) {
  const PairNames names = names_of(pair, switched);
  const std::string o = quote_identifier(names.o);
  const std::string n = quote_identifier(names.n);
  const std::string up = up_assigned(pair, {"new", names.o});
  const std::string down = down_assigned(pair, {"new", names.n});
  const std::string o_changed = old_changed(pair, names);
  const std::string n_changed = new_changed(pair, names);
  if (alone && !asking.counted) {
    return fmt::format(
        "  IF (CASE WHEN {5} THEN ({2}) IS NOT TRUE WHEN {3} THEN {4} ELSE false END) THEN\n"
        "    NEW.{0} := {7};\n"
        "  ELSE\n"
        "    NEW.{1} := {6};\n"
        "  END IF;\n",
        o, n, asking.writes_old(), asking.writes_new(), o_changed, n_changed, up, down);
  }
  const std::string not_copied =
      pair.fill ? fmt::format("NEW.{} IS NULL", n) : fmt::format("NEW.{} IS NULL AND NEW.{} IS NOT NULL", n, o);
  return fmt::format(
      "  IF {2} OR {3} THEN\n"
      "    IF (CASE WHEN {3} THEN ({8}) IS NOT TRUE ELSE {9} END) THEN\n"
      "      NEW.{0} := {5};\n"
      "    ELSE\n"
      "{7}"
      "      NEW.{1} := {4};\n"
      "    END IF;\n"
      "  ELSIF {6} THEN\n"
      "    NEW.{1} := {4};\n"
      "  END IF;\n",
      o, n, o_changed, n_changed, up, down, not_copied, asking.counted ? "      old_write := true;\n" : "",
      asking.writes_old(), asking.writes_new());
}

// Moves the counter on. A database that was restored from a dump has other OIDs, and a privilege may have been revoked:
// a client's write must not fail for evidence, so what the OID names is looked at first.
std::string count_rule(const QualifiedName& counter) {
  return fmt::format(
      "  IF old_write AND pg_catalog.strpos({0}::pg_catalog.oid::pg_catalog.regclass::pg_catalog.text, {1}) "
      "OPERATOR(pg_catalog.>) 0 THEN\n"
      "    IF COALESCE(pg_catalog.has_sequence_privilege({0}::pg_catalog.oid, 'USAGE'), false) THEN\n"
      "      counted := pg_catalog.nextval({0}::pg_catalog.oid::pg_catalog.regclass);\n"
      "    END IF;\n"
      "  END IF;\n",
      pg::kCounterOid, quote_literal(counter.name));
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

// The copy writes only rows in which something is missing, so it cannot be what writes any other: the settings need not
// be read for them.
std::string nothing_was_missing(const TableWork& table) {
  std::vector<std::string> present;
  for (const ShadowPair& pair : table.pairs) {
    present.push_back(fmt::format("OLD.{} IS NOT NULL", quote_identifier(pair.shadow)));
  }
  for (const FillRule& fill : table.fills) {
    present.push_back(fmt::format("OLD.{} IS NOT NULL", quote_identifier(fill.column)));
  }
  return fmt::format("{}", fmt::join(present, " AND "));
}

std::string update_condition(const TableWork& table) {
  std::string news, olds;
  std::vector<std::string> conditions;
  for (const ShadowPair& pair : table.pairs) {
    const PairNames names = names_of(pair, false);
    const auto add = [&](const std::string& column, bool by_operator) {
      if (by_operator) {
        conditions.push_back(changed(column, true));
        return;
      }
      news += fmt::format("{}NEW.{}", news.empty() ? "" : ", ", column);
      olds += fmt::format("{}OLD.{}", olds.empty() ? "" : ", ", column);
    };
    add(quote_identifier(names.o), equal_in_bytes(pair.column->type.name, pair.column->collation));
    add(quote_identifier(names.n), equal_in_bytes(pair.type, pair.collation));
  }
  if (!news.empty()) conditions.push_back(fmt::format("pg_catalog.record_image_ne(ROW({}), ROW({}))", news, olds));
  for (const ShadowPair& pair : table.pairs) {
    const std::string n = quote_identifier(pair.shadow);
    conditions.push_back(
        pair.fill ? fmt::format("NEW.{} IS NULL", n)
                  : fmt::format("(NEW.{} IS NULL AND NEW.{} IS NOT NULL)", n, quote_identifier(pair.old_name())));
  }
  for (const FillRule& fill : table.fills) {
    conditions.push_back(fmt::format("NEW.{} IS NULL", quote_identifier(fill.column)));
  }
  return fmt::format("({}) AND (({}) OR {})", fmt::join(conditions, " OR "), nothing_was_missing(table),
                     not_the_copy(*table.table));
}

std::optional<std::string> insert_condition(const TableWork& table) {
  if (!table.pairs.empty()) return std::nullopt;
  std::string condition;
  for (const FillRule& fill : table.fills) {
    condition += fmt::format("{}NEW.{} IS NULL", condition.empty() ? "" : " OR ", quote_identifier(fill.column));
  }
  return condition;
}

enum class Event { kInsert, kUpdate };

pg::CreateTriggerFunction trigger_function(const TableWork& table, const QualifiedName& function, Event event,
                                           bool switched, bool replace) {
  Asking asking{kShapeSetting, table.counter.has_value()};
  std::string body;
  std::string time_zone;
  if (table.pairs.size() > 1 || asking.counted) {
    body += fmt::format("DECLARE\n  shape CONSTANT pg_catalog.text := COALESCE({}, '');\n", asking.shape);
    asking.shape = "shape";
    if (asking.counted) body += "  old_write pg_catalog.bool := false;\n  counted pg_catalog.int8;\n";
  }
  body += "BEGIN\n";
  for (const FillRule& fill : table.fills) body += fill_rule(fill);
  const bool alone = table.pairs.size() + table.fills.size() == 1;
  for (const ShadowPair& pair : table.pairs) {
    body += event == Event::kInsert ? insert_rule(pair, switched, asking) : update_rule(pair, switched, asking, alone);
    if (!pair.time_zone.empty()) time_zone = pair.time_zone;
  }
  if (asking.counted) body += count_rule(*table.counter);
  body += "  RETURN NEW;\nEND";
  return {function, body, "", time_zone, replace, table.counter};
}

}  // namespace

TriggerNames trigger_names(const pg::Table& table) {
  // Triggers of one event fire in the order of their names; `~` sorts after every other ASCII character.
  const std::string readable(cut_utf8(table.name.name, 30));
  const std::vector<std::string> parts{table.name.schema, table.name.name};
  return {{table.name.schema, generated_name("dual_write_insert", parts)},
          {table.name.schema, generated_name("dual_write_update", parts)},
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

std::vector<pg::Ddl> trigger_functions(const TableWork& table, bool switched, bool replace) {
  const TriggerNames names = trigger_names(*table.table);
  return {trigger_function(table, names.insert_function, Event::kInsert, switched, replace),
          trigger_function(table, names.update_function, Event::kUpdate, switched, replace)};
}

std::vector<pg::Ddl> create_triggers(const TableWork& table) {
  const TriggerNames names = trigger_names(*table.table);
  return {
      pg::CreateTrigger{table.table->name, names.on_insert, "INSERT", insert_condition(table), names.insert_function},
      pg::CreateTrigger{table.table->name, names.on_update, "UPDATE", update_condition(table), names.update_function}};
}

std::vector<pg::Ddl> drop_triggers(const TableWork& table) {
  const TriggerNames names = trigger_names(*table.table);
  std::vector<pg::Ddl> drops{pg::DropTrigger{table.table->name, names.on_insert},
                             pg::DropTrigger{table.table->name, names.on_update},
                             pg::DropFunction{names.insert_function}, pg::DropFunction{names.update_function}};
  if (table.counter) drops.push_back(pg::DropSequence{*table.counter});
  return drops;
}

}  // namespace falsework
