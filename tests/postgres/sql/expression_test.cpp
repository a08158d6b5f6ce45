#include <doctest/doctest.h>

#include "base/error.h"
#include "postgres/sql/syntax.h"
#include "tests/support/server.h"

TEST_SUITE_BEGIN("postgres/sql/expression");

namespace falsework::pg {
namespace {

using test::Client;
using test::Rows;
using test::Server;
using test::TestDatabase;

constexpr const char* kTable = R"(
CREATE TABLE t (id int, a text, b text, n int, m int, d numeric, ts timestamptz, w timestamp, day date, j jsonb,
                arr int[], f boolean, c varchar(20), ch char(5), nul text, "Odd ""Name" text, p interval, x float8);
INSERT INTO t VALUES
  (1, 'Alpha', 'beta', 5, -3, 12.50, '2024-02-29 23:30:00+00', '2024-02-29 23:30:00', '2024-02-29',
   '{"k": {"x": 1}, "l": [1,2]}', '{1,2,3}', true, 'x_y%z', 'ab', NULL, 'q', '1 day 02:03:04', 1.5),
  (2, '', 'Alpha', 0, 0, -1, '1999-12-31 00:00:00+00', '1999-12-31', '1999-12-31', '{}', '{}', false, 'Alpha', '', NULL,
   'Ä', '-1 hour', -0.0),
  (3, NULL, NULL, NULL, 7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, 'beta', 'beta', 7, 7, 7, '2024-02-29 23:30:00+00', '2024-02-29 23:30:00', '2024-03-01', '[5]', '{7}', true,
   'beta', 'beta', NULL, 'beta', '0', 7);
)";

// Operators, functions and types that shadow the server's own for every session whose search_path names `hostile`
// first.
std::string hostile_schema() {
  std::string sql = "CREATE SCHEMA hostile;";
  const auto trap = [&](const std::string& name, const std::string& arguments, const std::string& result) {
    sql += "CREATE FUNCTION hostile." + name + "(" + arguments + ") RETURNS " + result +
           " LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'trapped in " + name + "'; END $$;";
  };
  const std::vector<std::string> types{"text", "int4", "numeric", "timestamptz",       "timestamp",
                                       "date", "bool", "varchar", "pg_catalog.bpchar", "float8"};
  int number = 0;
  for (const std::string& type : types) {
    for (const char* op : {"=", "<>", "<", ">", "<=", ">="}) {
      const std::string name = "trap" + std::to_string(++number);
      trap(name, type + "," + type, "bool");
      sql += "CREATE OPERATOR hostile." + std::string(op) + " (LEFTARG=" + type + ", RIGHTARG=" + type +
             ", FUNCTION=hostile." + name + ");";
    }
  }
  struct Operator {
    const char *name, *left, *right, *result;
  };
  for (const Operator& op : std::vector<Operator>{{"||", "text", "text", "text"},
                                                  {"~~", "text", "text", "bool"},
                                                  {"!~~", "text", "text", "bool"},
                                                  {"~~*", "text", "text", "bool"},
                                                  {"!~~*", "text", "text", "bool"},
                                                  {"~", "text", "text", "bool"},
                                                  {"!~", "text", "text", "bool"},
                                                  {"+", "int4", "int4", "int4"},
                                                  {"-", "int4", "int4", "int4"},
                                                  {"*", "int4", "int4", "int4"},
                                                  {"/", "int4", "int4", "int4"},
                                                  {"->", "jsonb", "text", "jsonb"},
                                                  {"->>", "jsonb", "text", "text"},
                                                  {"-", nullptr, "int4", "int4"}}) {
    const std::string name = "trap" + std::to_string(++number);
    const std::string left = op.left != nullptr ? op.left : "";
    trap(name, left.empty() ? op.right : left + "," + op.right, op.result);
    sql += "CREATE OPERATOR hostile." + std::string(op.name) + " (" + (left.empty() ? "" : "LEFTARG=" + left + ", ") +
           "RIGHTARG=" + op.right + ", FUNCTION=hostile." + name + ");";
  }
  for (const char* function : {"lower", "upper", "btrim", "ltrim", "length", "md5", "initcap", "reverse"}) {
    trap(function, "text", "text");
  }
  trap("substring", "text,int4,int4", "text");
  trap("position", "text,text", "int4");
  trap("num_nulls", "VARIADIC anyarray", "int4");
  trap("abs", "int4", "int4");
  sql += "CREATE DOMAIN hostile.int8 AS pg_catalog.int8 CHECK (false); CREATE DOMAIN hostile.uuid AS pg_catalog.int4;";
  sql += "CREATE DOMAIN hostile.jsonb AS pg_catalog.int4; CREATE DOMAIN hostile.date AS pg_catalog.int4;";
  sql += "CREATE COLLATION hostile.\"C\" FROM pg_catalog.\"und-x-icu\";";
  return sql;
}

const std::vector<std::string> kExpressions = {
    "a",
    "a || b",
    "a || '-' || b || c",
    "n + m * 2 - 1",
    "(n + m) * 2",
    "n - (m - 1)",
    "- n",
    "-(-n)",
    "2 ^ -1",
    "- 5::int8",
    "(-5)::int8::text",
    "n / NULLIF(m, 0)",
    "NULLIF(a, '')",
    "NULLIF(a, 'Alpha') || 'x'",
    "coalesce(nul, a, 'none')",
    "greatest(n, m, 3)",
    "least(a, b)",
    "a = b",
    "a <> b AND n > m OR f",
    "NOT f",
    "(NOT f)::text",
    "NOT (f AND a = 'beta') OR n IS NULL",
    "a IS NULL",
    "a IS NOT NULL AND nul IS NULL",
    "f IS NOT TRUE",
    "f IS UNKNOWN",
    "(n > 3) IS FALSE",
    "a IS DISTINCT FROM b",
    "a IS NOT DISTINCT FROM b",
    "a IS DISTINCT FROM NULL",
    "(a, n) IS DISTINCT FROM (b, m)",
    "ROW(a, n) = ROW(b, m)",
    "(a, n) < (b, m)",
    "ROW(n, m)::text",
    "n IN (5, 7, NULL)",
    "n IN (5)",
    "n NOT IN (5, 7)",
    "a IN ('Alpha', 'beta')",
    "(a, n) IN (('Alpha', 5), ('beta', 7))",
    "a = ANY (ARRAY['Alpha', b])",
    "n = ANY (arr)",
    "n <> ALL (arr)",
    "n BETWEEN 1 AND 6",
    "n NOT BETWEEN m AND 6",
    "n BETWEEN SYMMETRIC 6 AND 1",
    "n NOT BETWEEN SYMMETRIC 6 AND 1",
    "a LIKE 'A%'",
    "a NOT LIKE '%a'",
    "a ILIKE 'alpha'",
    "a NOT ILIKE 'alpha'",
    "c LIKE 'x!_y!%%' ESCAPE '!'",
    "a LIKE ANY (ARRAY['A%', 'b%'])",
    "a SIMILAR TO '(A|b)%'",
    "a NOT SIMILAR TO 'A#%' ESCAPE '#'",
    "a ~ '^A' AND a !~ 'z$' AND a ~* 'ALPHA'",
    "lower(a) || upper(b)",
    "md5(a)",
    "length(a) + length(coalesce(b, ''))",
    "left(a, 2)",
    "\"substring\"(a, 1, 2)",
    "substring(a from 2 for 3)",
    "substring(a from 2)",
    "substring(a from 'l.h')",
    "substring(a similar '%#\"l_h#\"%' escape '#')",
    "position('p' in a)",
    "overlay(a placing 'XX' from 2 for 1)",
    "overlay(a placing 'XX' from 2)",
    "trim(a)",
    "trim(both 'a' from b)",
    "trim(leading from '  x')",
    "trim(trailing 'a' from b)",
    "extract(year from ts)",
    "extract(epoch from p)::bigint",
    "date_trunc('day', w)",
    "ts at time zone 'Europe/Berlin'",
    "(ts at time zone 'UTC')::date",
    "w at time zone 'UTC'",
    "day + 1",
    "day - date '2024-01-01'",
    "(day, day + 5) OVERLAPS (date '2024-03-01', date '2024-03-02')",
    "normalize(\"Odd \"\"Name\", NFD) = \"Odd \"\"Name\"",
    "a IS NFC NORMALIZED",
    "a IS NORMALIZED",
    "collation for (a)",
    "a COLLATE \"C\" < b",
    "(a COLLATE \"C\")::varchar(3)",
    "a::varchar(2)",
    "n::bigint",
    "d::numeric(10,1)::text",
    "n::text::int",
    "ch::text || '.'",
    "a::\"char\"",
    "x::numeric(6,2)",
    "x::int4",
    "'{1,2}'::int[] || arr",
    "arr[1]",
    "arr[2:3]",
    "arr[:1]",
    "ARRAY[n, m]",
    "ARRAY[[n], [m]]",
    "ARRAY[]::int8[]",
    "j -> 'k' ->> 'x'",
    "j #>> '{l,0}'",
    "j @> '{\"k\": {}}'",
    "jsonb_build_object('a', a, 'n', n)",
    "'550e8400-e29b-41d4-a716-446655440000'::uuid",
    "CASE n WHEN 5 THEN 'five' WHEN 7 THEN 'seven' ELSE 'other' END",
    "CASE WHEN n > 5 THEN a WHEN f THEN b END",
    "CASE WHEN a = '' THEN NULL ELSE upper(a) END",
    "interval '1' day + p",
    "p::interval(0)",
    "p::interval hour to minute",
    "interval '3 04:05:06.789' day to second(1)",
    "time '10:20:30.555'::time(1)",
    "timestamp(0) with time zone '2024-01-01 00:00:00.6+00'",
    "B'1010' || B'01'",
    "X'1F'::int",
    "E'tab\\there' || a",
    "U&'\\00e4' || a",
    "'O''Reilly \\ x'",
    "1.5e3 + 0.5",
    "9223372036854775807",
    "-9223372036854775808",
    "concat_ws(',', VARIADIC ARRAY[a, b])",
    "format('%s-%s', a, n)",
    "make_interval(days => 3, hours => n)",
    "num_nonnulls(a, nul)",
    "(SELECT upper('x'))",
    "t.a || x.b",
};

ColumnSubstitution to_aliased_columns(bool qualified) {
  ColumnSubstitution substitution;
  for (const char* column :
       {"id", "a", "b", "n", "m", "d", "ts", "w", "day", "j", "arr", "f", "c", "ch", "nul", "Odd \"Name", "p", "x"}) {
    substitution.columns[column] = {"Tab", column};
  }
  substitution.qualifiers = {"t", "x"};
  if (qualified) substitution.qualify = [](char, const std::string&) { return std::string("pg_catalog"); };
  return substitution;
}

// What an expression gives for every row, types included; or the error of the server.
std::string values_of(Client& client, const std::string& expression, const std::string& from) {
  try {
    std::string result;
    for (const test::Row& row : client.exec("SELECT (" + expression + ")::pg_catalog.text, pg_catalog.pg_typeof(" +
                                            expression + ")::pg_catalog.oid FROM " + from)) {
      result += row[0].value_or("NULL") + " " + row[1].value_or("?") + "; ";
    }
    return result;
  } catch (const test::SqlFailure& failure) {
    return std::string("error: ") + failure.what();
  }
}

std::string kind_of_error(const std::string& expression, const ColumnSubstitution& substitution) {
  try {
    rewrite_expression(expression, substitution);
  } catch (const Error& error) {
    return std::string(error.code()) + ": " + error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a rewritten expression gives what it gave, whatever the search_path holds") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Client superuser = database.connect_as_superuser();
    superuser.exec(std::string(kTable) + hostile_schema());
    Client honest = database.connect_as_superuser();
    honest.exec("SET search_path = pg_catalog; SET timezone = 'UTC'");
    Client hostile = database.connect_as_superuser();
    hostile.exec("SET search_path = hostile, pg_catalog; SET timezone = 'UTC'");
    REQUIRE(values_of(hostile, "lower(a)", "public.t").find("trapped in lower") != std::string::npos);
    REQUIRE(values_of(hostile, "a IN ('x', b)", "public.t").find("trapped") != std::string::npos);
    for (const std::string& expression : kExpressions) {
      CAPTURE(expression);
      const std::string expected = values_of(honest, expression, "public.t t CROSS JOIN LATERAL (SELECT t.b) x(b_)");
      const std::string plain = rewrite_expression(expression, to_aliased_columns(false));
      const std::string rewritten = rewrite_expression(expression, to_aliased_columns(true));
      CAPTURE(plain);
      CAPTURE(rewritten);
      if (expression != "t.a || x.b") {
        CHECK(expected.substr(0, 6) != "error:");
        CHECK(values_of(honest, plain, "public.t \"Tab\"") == expected);
        CHECK(values_of(hostile, rewritten, "public.t \"Tab\"") == expected);
      }
      CHECK(rewrite_expression(plain, [] {
              ColumnSubstitution keep;
              keep.keep_unknown = true;
              return keep;
            }()) == plain);
    }
  }
}

TEST_CASE("columns become what the map says, and qualifiers of the table are dropped") {
  ColumnSubstitution substitution;
  substitution.columns = {{"email", {"NEW", "email"}}, {"Größe", {"NEW", "Größe"}}, {"new", {"new"}}};
  substitution.qualifiers = {"users", "app.users"};
  struct Case {
    std::string given, expected;
  };
  for (const Case& c : std::vector<Case>{{"email", "NEW.email"},
                                         {"users.email", "NEW.email"},
                                         {"app.users.email", "NEW.email"},
                                         {"lower(email)", "lower(NEW.email)"},
                                         {"(email).part", "(NEW.email).part"},
                                         {"\"Größe\" + 1", "(NEW.\"Größe\" + 1)"},
                                         {"new", "\"new\""}}) {
    CAPTURE(c.given);
    CHECK(rewrite_expression(c.given, substitution) == c.expected);
  }
}

TEST_CASE("a column that is not in the map is refused by name, or kept when asked") {
  ColumnSubstitution substitution;
  substitution.columns = {{"a", {"new", "a"}}};
  CHECK(kind_of_error("a || \"B\"", substitution) ==
        "expression.invalid: expression `a || \"B\"` names \"B\", which is not a column that it can read");
  CHECK(kind_of_error("other.a", substitution) ==
        "expression.invalid: expression `other.a` names other.a, which is not a column that it can read");
  substitution.keep_unknown = true;
  CHECK(rewrite_expression("a || \"B\" || other.a", substitution) == "((\"new\".a || \"B\") || other.a)");
}

TEST_CASE("names go into the schema that is answered, by kind, and qualified names stay") {
  ColumnSubstitution substitution;
  substitution.keep_unknown = true;
  std::set<std::string> asked;
  substitution.qualify = [&](char kind, const std::string& name) {
    asked.insert(std::string(1, kind) + ":" + name);
    return name == "citext" || name == "=" ? "Ext" : std::string("pg_catalog");
  };
  CHECK(rewrite_expression("lower(a)::citext = app.f(b::app.mood) COLLATE \"de\"", substitution) ==
        "((pg_catalog.lower(a))::\"Ext\".citext OPERATOR(\"Ext\".=) (app.f((b)::app.mood) COLLATE pg_catalog.de))");
  CHECK(asked == std::set<std::string>{"c:de", "f:lower", "o:=", "t:citext"});
}

TEST_CASE("what is not one scalar expression is refused") {
  const ColumnSubstitution substitution = to_aliased_columns(false);
  struct Case {
    std::string given, reason;
  };
  for (const Case& c : std::vector<Case>{{"", "is malformed"},
                                         {"   ", "is malformed"},
                                         {"-- a", "is malformed"},
                                         {"a b", "it is not one expression"},
                                         {"a AS b", "is malformed"},
                                         {"a, b", "it is not one expression"},
                                         {"a; b", "is malformed"},
                                         {"a;", "is malformed"},
                                         {"a) + (b", "is malformed"},
                                         {"a) FROM t WHERE (f", "is malformed"},
                                         {"a FROM t", "it is not one expression"},
                                         {"ALL a", "is malformed"},
                                         {"DISTINCT a", "it is not one expression"},
                                         {"a UNION SELECT b", "it is not one expression"},
                                         {"*", "is malformed"},
                                         {"t.*", "a star is not one expression"},
                                         {"row_to_json(t.*)", "holds a star"},
                                         {"(SELECT a FROM u)", "holds a subquery"},
                                         {"EXISTS (SELECT 1)", "holds a subquery"},
                                         {"a IN (SELECT b)", "holds a subquery"},
                                         {"ARRAY(SELECT 1)", "holds a subquery"},
                                         {"count(*)", "holds an aggregate"},
                                         {"sum(n) FILTER (WHERE f)", "holds an aggregate"},
                                         {"rank() OVER ()", "holds a window function"},
                                         {"xmlelement(name a)", "holds XML syntax"},
                                         {"a +", "is malformed"},
                                         {"'open", "is malformed"},
                                         {"DEFAULT", "holds DEFAULT"}}) {
    CAPTURE(c.given);
    const std::string error = kind_of_error(c.given, substitution);
    CAPTURE(error);
    CHECK(error.find("expression.invalid: ") == 0);
    CHECK(error.find(c.reason) != std::string::npos);
  }
}

TEST_CASE("expressions that are too long, too deep or hold a NUL byte are refused, not crashed on") {
  const ColumnSubstitution substitution = to_aliased_columns(true);
  std::string chain = "n";
  for (int i = 0; i < 8000; ++i) chain += "+1";
  CHECK(kind_of_error(chain, substitution).find("nested too deeply") != std::string::npos);
  std::string longest = "n";
  for (int i = 0; i < 450; ++i) longest += "+1";
  CHECK(kind_of_error(longest, substitution) == "none");
  std::string nested;
  for (int i = 0; i < 700; ++i) nested += "abs(";
  CHECK(kind_of_error(nested + "n" + std::string(700, ')'), substitution).find("nested too deeply") !=
        std::string::npos);
  CHECK(kind_of_error("'" + std::string(40000, 'x') + "'", substitution).find("longer than 32 KiB") !=
        std::string::npos);
  CHECK(kind_of_error(std::string("a\0b", 3), substitution).find("a NUL byte") != std::string::npos);
}

TEST_CASE("inspection lists columns and functions in order, and what makes an expression unfit") {
  const ExpressionFacts facts = inspect_expression("lower(t.a) || app.\"F\"(b, pg_catalog.upper(a)) || trim(\"C d\")");
  CHECK(facts.columns == std::vector<std::vector<std::string>>{{"t", "a"}, {"b"}, {"a"}, {"C d"}});
  CHECK(facts.functions == std::vector<std::vector<std::string>>{{"lower"}, {"app", "F"}, {"upper"}, {"btrim"}});
  CHECK_FALSE(facts.has_subquery);
  CHECK_FALSE(facts.has_aggregate_or_window);
  CHECK_FALSE(facts.has_parameter);
  CHECK_FALSE(facts.has_session_value);
  CHECK(inspect_expression("(SELECT a FROM u)").has_subquery);
  CHECK(inspect_expression("a = ANY (SELECT b FROM u)").has_subquery);
  CHECK(inspect_expression("count(*)").has_aggregate_or_window);
  CHECK(inspect_expression("1 + max(n)").has_aggregate_or_window);
  CHECK(inspect_expression("pg_catalog.string_agg(a, ',')").has_aggregate_or_window);
  CHECK(inspect_expression("lag(n) OVER (ORDER BY id)").has_aggregate_or_window);
  CHECK_FALSE(inspect_expression("app.max(n)").has_aggregate_or_window);
  CHECK(inspect_expression("a || $1").has_parameter);
  CHECK(inspect_expression("CURRENT_TIMESTAMP").has_session_value);
  CHECK(inspect_expression("a || current_user").has_session_value);
  CHECK_THROWS_WITH_AS(inspect_expression("f(t.*)"), "expression `f(t.*)` holds a star", Error);
}

}  // namespace falsework::pg

TEST_SUITE_END();
