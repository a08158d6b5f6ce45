#include "postgres/sql/render_type.h"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error_kinds.h"
#include "base/identifier.h"
#include "postgres/sql/parse_tree.h"
#include "postgres/sql/server_quoting.h"
#include "postgres/sql/type_name.h"

namespace falsework::pg {

namespace {

constexpr int kMaxTimePrecision = 6;        // MAX_TIMESTAMP_PRECISION: more is cut down with a warning
constexpr int kAllIntervalFields = 0x7FFF;  // INTERVAL_FULL_RANGE

std::optional<int> number(const PgQuery__Node& node) {
  if (node.node_case != PG_QUERY__NODE__NODE_A_CONST || node.a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
    return std::nullopt;
  }
  return node.a_const->ival->ival;
}

std::optional<int> modifier(const PgQuery__TypeName& type, std::size_t i) {
  return i < type.n_typmods ? number(*type.typmods[i]) : std::nullopt;
}

// The field masks of interval (utils/timestamp.h: INTERVAL_MASK of utils/datetime.h's YEAR 2, MONTH 1, DAY 3, HOUR 10,
// MINUTE 11, SECOND 12).
std::optional<std::string> interval_fields(int mask) {
  static const std::map<int, std::string> kFields = {{1 << 2, " year"},
                                                     {1 << 1, " month"},
                                                     {1 << 3, " day"},
                                                     {1 << 10, " hour"},
                                                     {1 << 11, " minute"},
                                                     {1 << 12, " second"},
                                                     {1 << 2 | 1 << 1, " year to month"},
                                                     {1 << 3 | 1 << 10, " day to hour"},
                                                     {1 << 3 | 1 << 10 | 1 << 11, " day to minute"},
                                                     {1 << 3 | 1 << 10 | 1 << 11 | 1 << 12, " day to second"},
                                                     {1 << 10 | 1 << 11, " hour to minute"},
                                                     {1 << 10 | 1 << 11 | 1 << 12, " hour to second"},
                                                     {1 << 11 | 1 << 12, " minute to second"},
                                                     {kAllIntervalFields, ""}};
  const auto found = kFields.find(mask);
  if (found == kFields.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> interval_spelling(const PgQuery__TypeName& type) {
  if (type.n_typmods == 0) return "interval";
  const std::optional<int> mask = modifier(type, 0);
  if (!mask || type.n_typmods > 2) return std::nullopt;
  const std::optional<std::string> fields = interval_fields(*mask);
  if (!fields) return std::nullopt;
  if (type.n_typmods == 1) return *mask == kAllIntervalFields ? std::nullopt : std::optional("interval" + *fields);
  const std::optional<int> precision = modifier(type, 1);
  if (!precision) return std::nullopt;
  return fmt::format("interval{}({})", *fields, *precision);
}

struct KeywordType {
  std::string_view name;
  std::string_view before;
  std::string_view after;  // of the modifiers
  bool bare;               // the keyword without modifiers means this type without modifiers
};

constexpr std::array<KeywordType, 14> kKeywordTypes = {{{"bool", "boolean", "", true},
                                                        {"int2", "smallint", "", true},
                                                        {"int4", "integer", "", true},
                                                        {"int8", "bigint", "", true},
                                                        {"float4", "real", "", true},
                                                        {"float8", "double precision", "", true},
                                                        {"numeric", "numeric", "", true},
                                                        {"bpchar", "character", "", false},
                                                        {"varchar", "character varying", "", true},
                                                        {"bit", "bit", "", false},
                                                        {"varbit", "bit varying", "", true},
                                                        {"time", "time", " without time zone", true},
                                                        {"timetz", "time", " with time zone", true},
                                                        {"timestamp", "timestamp", " without time zone", true}}};
constexpr KeywordType kTimestampTz = {"timestamptz", "timestamp", " with time zone", true};

const KeywordType* find_keyword_type(const std::string& name) {
  if (name == kTimestampTz.name) return &kTimestampTz;
  const auto found = std::find_if(kKeywordTypes.begin(), kKeywordTypes.end(),
                                  [&](const KeywordType& type) { return type.name == name; });
  return found == kKeywordTypes.end() ? nullptr : &*found;
}

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
  throw Error(errors::kDeclarationInvalid, message, hint);
}

void refuse_what_is_no_column_type(const PgQuery__TypeName& type, const std::vector<std::string>& names) {
  const std::string hint = "Give the type of a column, such as bigint or character varying(20).";
  if (type.setof) refuse("SETOF is not a column's type", hint);
  if (type.pct_type) refuse("%TYPE is not a column's type", hint);
  static const std::map<std::string, std::string> kSerial = {{"serial", "integer"},       {"serial4", "integer"},
                                                             {"bigserial", "bigint"},     {"serial8", "bigint"},
                                                             {"smallserial", "smallint"}, {"serial2", "smallint"}};
  if (const auto found = kSerial.find(names.front()); names.size() == 1 && found != kSerial.end()) {
    refuse(fmt::format("{} is a shorthand of CREATE TABLE, not a type", found->first),
           fmt::format("Give {}; a sequence or identity that the column has goes with it.", found->second));
  }
}

// numeric(10) is numeric(10,0), and precisions of seconds end at 6: what the type's typmodin makes of them.
std::optional<std::string> canonical_spelling(const std::string& name, const PgQuery__TypeName& type) {
  const std::optional<int> first = modifier(type, 0);
  if (name == "numeric" && type.n_typmods == 1 && first) return fmt::format("numeric({},0)", *first);
  const KeywordType* keyword = find_keyword_type(name);
  if (keyword != nullptr && name.substr(0, 4) == "time" && first && *first > kMaxTimePrecision) {
    return fmt::format("{}({}){}", keyword->before, kMaxTimePrecision, keyword->after);
  }
  return keyword_spelling(name, type);
}

}  // namespace

std::string render_modifiers(const PgQuery__TypeName& type) {
  std::string result;
  for (std::size_t i = 0; i < type.n_typmods; ++i) {
    const PgQuery__Node& node = *type.typmods[i];
    result += result.empty() ? "(" : ",";
    if (const std::optional<int> value = number(node)) {
      result += fmt::to_string(*value);
    } else if (node.node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node.column_ref->n_fields == 1) {
      result += quote_identifier(string_of(*node.column_ref->fields[0]));
    } else if (node.node_case == PG_QUERY__NODE__NODE_A_CONST &&
               node.a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL) {
      result += quote_literal(node.a_const->sval->sval);
    } else {
      refuse("a modifier of a type is neither a number, a word nor a string",
             "Give the type as format_type() prints it.");
    }
  }
  return result.empty() ? result : result + ")";
}

std::optional<std::string> keyword_spelling(const std::string& name, const PgQuery__TypeName& type) {
  if (name == "interval") return interval_spelling(type);
  const KeywordType* keyword = find_keyword_type(name);
  if (keyword == nullptr || (!keyword->bare && type.n_typmods == 0)) return std::nullopt;
  return fmt::format("{}{}{}", keyword->before, render_modifiers(type), keyword->after);
}

std::string render_canonical_type(const PgQuery__TypeName& type) {
  std::vector<std::string> names = name_parts(type.names, type.n_names);
  refuse_what_is_no_column_type(type, names);
  if (names.size() == 2 && names.front() == "pg_catalog") names.erase(names.begin());
  std::optional<std::string> spelling;
  if (names.size() == 1) spelling = canonical_spelling(names.front(), type);
  if (!spelling) {
    spelling.emplace();
    for (const std::string& name : names) *spelling += (spelling->empty() ? "" : ".") + quote_as_server(name);
    *spelling += render_modifiers(type);
  }
  // The number of dimensions and their bounds are not part of a type (PG docs, arrays).
  return type.n_array_bounds > 0 ? *spelling + "[]" : *spelling;
}

std::string canonical_type(std::string_view type) {
  const std::string hint = "Give one type, such as bigint, character varying(20) or app.status.";
  std::variant<Tree, SyntaxError> parsed = parse_sql(fmt::format("SELECT CAST(NULL AS {}\n)", type));
  if (const SyntaxError* error = std::get_if<SyntaxError>(&parsed)) {
    refuse(fmt::format("type `{}` is not understood: {}", type, error->message), hint);
  }
  const Tree& tree = std::get<Tree>(parsed);
  const PgQuery__Node* target = nullptr;
  if (tree.size() == 1 && tree.statement(0).node_case == PG_QUERY__NODE__NODE_SELECT_STMT) {
    target = only_target(*tree.statement(0).select_stmt);
  }
  const bool one_type = target != nullptr && target->node_case == PG_QUERY__NODE__NODE_TYPE_CAST &&
                        target->type_cast->arg->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                        target->type_cast->arg->a_const->isnull;
  if (!one_type) refuse(fmt::format("type `{}` is not one type", type), hint);
  return render_canonical_type(*target->type_cast->type_name);
}

}  // namespace falsework::pg
