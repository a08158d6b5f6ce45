#include "postgres/sql/type_name.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "tests/support/server.h"

TEST_SUITE_BEGIN("postgres/sql/type_name");

namespace falsework::pg {
namespace {

using test::Client;
using test::Server;
using test::TestDatabase;

// clang-format off
const std::vector<std::string> kTypes = {
    "int", "INT4", "integer", "int2", "smallint", "bigint", "int8", "boolean", "bool", "real", "float4", "float", "float8",
    "float(1)", "float(24)", "float(25)", "float(53)", "double precision", "numeric", "decimal", "dec(5)", "numeric(10)",
    "numeric(10,2)", "NUMERIC ( 10 , 2 )", "varchar", "varchar(20)", "character varying", "character varying(20)",
    "char", "char(3)", "character", "character(3)", "nchar(4)", "national character varying(7)", "bpchar", "\"char\"",
    "text", "\"text\"", "pg_catalog.text", "pg_catalog.varchar", "pg_catalog.varchar(5)", "pg_catalog.int4", "name",
    "bit", "bit(1)", "bit(8)", "bit varying", "varbit", "bit varying(5)", "varbit(5)", "pg_catalog.bit", "pg_catalog.bpchar",
    "pg_catalog.bpchar(4)", "date", "time", "time(3)", "time with time zone", "timetz", "timetz(2)",
    "time(3) with time zone", "time without time zone", "timestamp", "timestamp(0)", "timestamp(3) with time zone",
    "timestamptz", "timestamptz(6)", "timestamptz(9)", "timestamp without time zone", "interval", "interval(3)",
    "interval year", "interval month", "interval day", "interval hour", "interval minute", "interval second",
    "interval second(3)", "interval year to month", "interval day to hour", "interval day to minute",
    "interval day to second", "interval day to second(2)", "interval hour to minute", "interval hour to second(1)",
    "interval minute to second", "json", "jsonb", "xml", "uuid", "money", "bytea", "inet", "cidr", "macaddr", "macaddr8",
    "point", "polygon", "tsvector", "oid", "regclass", "int4range", "int4multirange", "pg_lsn", "int[]", "int[][]",
    "int[3]", "int ARRAY", "int ARRAY[4]", "varchar(20)[]", "timestamptz(3)[]", "numeric(4,1)[]", "text[]", "\"char\"[]",
    "bit(3)[]", "interval year[]", "pg_catalog.jsonb[]", "app.mood", "app.\"My Type\"", "app.\"My Type\"[]",
    "app.positive", "\"app\".pair", "app.type", "app.\"position\"", "int -- comment", "/* a */ int"};
// clang-format on

std::string failure_of(const std::string& type) {
  try {
    return "none: " + canonical_type(type);
  } catch (const Error& error) {
    return std::string(error.code()) + ": " + error.what() + " / " + error.hint();
  }
}

}  // namespace

TEST_CASE("a type is spelled as format_type spells it") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Client client = database.connect();
    client.exec(R"(CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('a'); CREATE TYPE app."My Type" AS ENUM ('a');
                   CREATE DOMAIN app.positive AS int CHECK (VALUE > 0); CREATE TYPE app.pair AS (a int, b int);
                   CREATE TYPE app.type AS ENUM ('a'); CREATE TYPE app."position" AS ENUM ('a');
                   SET search_path = pg_catalog; SET client_min_messages = error)");
    for (const std::string& type : kTypes) {
      CAPTURE(type);
      client.exec("CREATE TABLE app.t (c " + type + "\n)");
      const std::string expected = client.value(
          "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'app.t'::regclass AND attnum = "
          "1");
      client.exec("DROP TABLE app.t");
      CHECK(canonical_type(type) == expected);
      CHECK(canonical_type(expected) == expected);
    }
  }
}

TEST_CASE("a type that the server does not ship keeps its modifiers, and stays without schema") {
  CHECK(canonical_type("citext") == "citext");
  CHECK(canonical_type("Citext[]") == "citext[]");
  CHECK(canonical_type("\"Citext\"") == "\"Citext\"");
  CHECK(canonical_type("vector(3)") == "vector(3)");
  CHECK(canonical_type("postgis.geometry(Point, 4326)") == "postgis.geometry(point,4326)");
}

TEST_CASE("what is not one column type is refused") {
  struct Case {
    std::string given, reason;
  };
  for (const Case& c : std::vector<Case>{{"", "is not understood"},
                                         {"nice type", "is not understood"},
                                         {"varchar(", "is not understood"},
                                         {"int, text", "is not understood"},
                                         {"int), (NULL", "is not one type"},
                                         {"int) || CAST(NULL AS text", "is not one type"},
                                         {"int); DROP TABLE t; SELECT (1", "is not one type"},
                                         {"int COLLATE \"C\"", "is not understood"},
                                         {"SETOF int", "SETOF is not a column's type"},
                                         {"users.id%TYPE", "is not understood"},
                                         {"bigserial", "bigserial is a shorthand of CREATE TABLE, not a type"},
                                         {"vector(a || b)", "a modifier of a type"}}) {
    CAPTURE(c.given);
    const std::string failure = failure_of(c.given);
    CAPTURE(failure);
    CHECK(failure.find("declaration.invalid: ") == 0);
    CHECK(failure.find(c.reason) != std::string::npos);
  }
  CHECK(failure_of("serial") ==
        "declaration.invalid: serial is a shorthand of CREATE TABLE, not a type / Give integer; a sequence or identity "
        "that the column has goes with it.");
}

}  // namespace falsework::pg

TEST_SUITE_END();
