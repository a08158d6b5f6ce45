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

// What the session says that it writes.
constexpr const char* kWritesOld = "shape OPERATOR(pg_catalog.=) 'old'";
constexpr const char* kWritesNew = "shape OPERATOR(pg_catalog.=) 'new'";

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
std::string names_old(const ShadowPair& pair, const std::string& o) {
  const pg::Column& column = *pair.column;
  if (pair.swap_names || column.identity != 0) return kWritesOld;
  if (!column.default_expression) return fmt::format("{} OR NEW.{} IS NOT NULL", kWritesOld, o);
  const auto literal = literal_of(*column.default_expression);
  if (!literal) return kWritesOld;
  return fmt::format("{} OR pg_catalog.record_image_ne(ROW(NEW.{}), ROW({}::{}))", kWritesOld, o, *literal,
                     column.type.name);
}

std::string insert_rule(const ShadowPair& pair, bool switched, bool counted) {
  const PairNames names = names_of(pair, switched);
  return fmt::format(
      "    IF {5} OR (NEW.{1} IS NULL AND NOT {6}) THEN\n"
      "{4}"
      "      NEW.{1} := {2};\n"
      "    ELSE\n"
      "      NEW.{0} := {3};\n"
      "    END IF;\n",
      quote_identifier(names.o), quote_identifier(names.n), up_assigned(pair, {"new", names.o}),
      down_assigned(pair, {"new", names.n}),
      counted ? fmt::format("      old_write := old_write OR {};\n", names_old(pair, quote_identifier(names.o))) : "",
      kWritesOld, kWritesNew);
}

// `alone`: the trigger's WHEN speaks of this pair only. So one of the two has changed, or the row is not copied yet.
std::string update_rule(const ShadowPair& pair, bool switched, bool counted, bool alone) {
  const PairNames names = names_of(pair, switched);
  const std::string o = quote_identifier(names.o);
  const std::string n = quote_identifier(names.n);
  const std::string up = up_assigned(pair, {"new", names.o});
  const std::string down = down_assigned(pair, {"new", names.n});
  const std::string o_changed = old_changed(pair, names);
  const std::string n_changed = new_changed(pair, names);
  if (alone && !counted) {
    return fmt::format(
        "    IF {2} OR NOT ({5} OR ({3} AND {4})) THEN\n"
        "      NEW.{1} := {6};\n"
        "    ELSE\n"
        "      NEW.{0} := {7};\n"
        "    END IF;\n",
        o, n, kWritesOld, kWritesNew, o_changed, n_changed, up, down);
  }
  const std::string not_copied =
      pair.fill ? fmt::format("NEW.{} IS NULL", n) : fmt::format("NEW.{} IS NULL AND NEW.{} IS NOT NULL", n, o);
  return fmt::format(
      "    IF {2} OR {3} THEN\n"
      "      IF {8} OR NOT ({3} OR {9}) THEN\n"
      "{7}"
      "        NEW.{1} := {4};\n"
      "      ELSE\n"
      "        NEW.{0} := {5};\n"
      "      END IF;\n"
      "    ELSIF {6} THEN\n"
      "      NEW.{1} := {4};\n"
      "    END IF;\n",
      o, n, o_changed, n_changed, up, down, not_copied, counted ? "        old_write := true;\n" : "", kWritesOld,
      kWritesNew);
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
  return fmt::format("({}) AND {}", fmt::join(conditions, " OR "), not_the_copy(*table.table));
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
  const bool counted = table.counter.has_value();
  std::string body;
  std::string time_zone;
  if (!table.pairs.empty()) {
    body +=
        "DECLARE\n"
        "  shape CONSTANT pg_catalog.text := "
        "COALESCE(pg_catalog.current_setting('falsework.shape', true), '');\n";
    if (counted) body += "  old_write pg_catalog.bool := false;\n  counted pg_catalog.int8;\n";
  }
  body += "BEGIN\n";
  for (const FillRule& fill : table.fills) body += fill_rule(fill);
  if (!table.pairs.empty()) {
    body += "  IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN\n";
    for (const ShadowPair& pair : table.pairs) body += insert_rule(pair, switched, counted);
    body += "  ELSE\n";
    for (const ShadowPair& pair : table.pairs) {
      body += update_rule(pair, switched, counted, table.pairs.size() + table.fills.size() == 1);
      if (!pair.time_zone.empty()) time_zone = pair.time_zone;
    }
    body += "  END IF;\n";
    if (counted) body += count_rule(*table.counter);
  }
  body += "  RETURN NEW;\nEND";
  return {trigger_names(*table.table).function, body, "", time_zone, false, table.counter};
}

std::vector<pg::Ddl> create_triggers(const TableWork& table) {
  const TriggerNames names = trigger_names(*table.table);
  return {pg::CreateTrigger{table.table->name, names.on_insert, "INSERT", insert_condition(table), names.function},
          pg::CreateTrigger{table.table->name, names.on_update, "UPDATE", update_condition(table), names.function}};
}

std::vector<pg::Ddl> drop_triggers(const TableWork& table) {
  const TriggerNames names = trigger_names(*table.table);
  std::vector<pg::Ddl> drops{pg::DropTrigger{table.table->name, names.on_insert},
                             pg::DropTrigger{table.table->name, names.on_update}, pg::DropFunction{names.function}};
  if (table.counter) drops.push_back(pg::DropSequence{*table.counter});
  return drops;
}

}  // namespace falsework
