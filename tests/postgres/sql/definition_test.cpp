#include <doctest/doctest.h>

#include "base/error.h"
#include "postgres/sql/syntax.h"
#include "tests/support/server.h"

TEST_SUITE_BEGIN("postgres/sql/definition");

namespace falsework::pg {
namespace {

using test::Client;
using test::Server;
using test::TestDatabase;

constexpr const char* kSchema = R"(
CREATE SCHEMA app; SET search_path = app;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE FUNCTION norm(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.lower($1)';
CREATE FUNCTION "Odd ""F"""(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT pg_catalog.left($1, $2)';
CREATE COLLATION "My de" FROM "de-x-icu";
CREATE TABLE "T 1" (id int, a text, b text, n int, j jsonb, arr int[], r int4range, f boolean, m mood, d numeric(10,2),
                    ts timestamptz, w timestamp, v varchar(20), "Ünï ""x""" text, p point);
)";

const std::vector<std::string> kIndexes = {
    "(a)",
    "(a, b DESC, n ASC NULLS FIRST, d DESC NULLS LAST)",
    "(\"Ünï \"\"x\"\"\")",
    "(lower(a))",
    "(norm(a), (n + 1), ((a || b)))",
    "(\"Odd \"\"F\"\"\"(a, 3))",
    "(a COLLATE \"C\" text_pattern_ops)",
    "(a COLLATE \"My de\")",
    "(a varchar_pattern_ops DESC)",
    "USING hash (a)",
    "USING gin (j jsonb_path_ops) WITH (fastupdate = off)",
    "USING gin (arr) WITH (gin_pending_list_limit = 128)",
    "USING gist (r) WITH (fillfactor = 80, buffering = on)",
    "USING gist (to_tsvector('english', a) tsvector_ops (siglen = 100))",
    "USING brin (n int4_minmax_multi_ops (values_per_range = 16)) WITH (pages_per_range = 4, autosummarize = true)",
    "USING spgist (p)",
    "(n) INCLUDE (a, b)",
    "(n) WITH (fillfactor = 70, deduplicate_items = off)",
    "(n) TABLESPACE pg_default",
    "(n) WHERE n > 5 AND a IS NOT NULL",
    "(n) WHERE f",
    "(n) WHERE a IN ('x', 'y') OR v IN ('x', 'y')",
    "(n) WHERE a LIKE 'x%' AND n BETWEEN 1 AND 5",
    "(n) WHERE m = 'ok'::mood",
    "(n) WHERE NOT (f AND (j ->> 'k') = 'v')",
    "(n) WHERE (a COLLATE \"C\") > 'm'",
    "((CASE WHEN f THEN a ELSE b END))",
    "((ts AT TIME ZONE 'UTC'))",
    "(date_trunc('day', w))",
    "((extract(year from w)))",
    "((j -> 'k' ->> 'x'))",
    "((arr[1]))",
    "(coalesce(a, b), nullif(a, ''))",
    "((n::bigint * 2 - (n - 1)))",
    "((- n))",
    "(((NOT f)::text))",
    "((ROW(a, b) IS NOT NULL))",
    "((a IS DISTINCT FROM b))",
    "(trim(both 'x' from a), substring(a from 2 for 3))",
};

const std::vector<std::string> kChecks = {
    "n > 0",
    "n > 0 AND n < 100 OR a IS NULL",
    "a IN ('x', 'y')",
    "v IN ('x', 'y') AND v NOT IN ('z')",
    "n IN (1, 2, 3)",
    "n NOT IN (1, 2)",
    "n BETWEEN 1 AND 5",
    "n NOT BETWEEN SYMMETRIC 5 AND 1",
    "a LIKE 'x%' AND a NOT ILIKE '%y'",
    "a LIKE 'x!%' ESCAPE '!'",
    "a SIMILAR TO '(x|y)%'",
    "a ~ '^[a-z]+$'",
    "length(a) <= 20",
    "(NOT f)::text = 'true'",
    "2 ^ -n > 0",
    "- n < 5 AND n > -5",
    "m = ANY (ARRAY['sad'::mood, 'ok'::mood])",
    "d::numeric(10,1) = d",
    "a IS DISTINCT FROM b",
    "a IS NOT DISTINCT FROM b",
    "NULLIF(a, '') IS NOT NULL",
    "(a, b) <> (b, a)",
    "ROW(a, n) IS NOT NULL",
    "f IS NOT UNKNOWN",
    "extract(year from w) > 2000",
    "extract(epoch from ts - '2020-01-01 00:00:00+00'::timestamptz) > 0",
    "w < 'infinity' AND w > '-infinity'::timestamp",
    "(ts at time zone 'UTC')::date > date '2000-01-01'",
    "position('@' in a) > 1",
    "trim(a) = a AND trim(leading 'x' from a) <> ''",
    "substring(a from 1 for 1) <> ' '",
    "overlay(a placing 'x' from 1 for 1) <> b",
    "a COLLATE \"C\" < 'm' COLLATE \"C\"",
    "norm(a) = a",
    "\"Odd \"\"F\"\"\"(a, 3) <> 'abc'",
    "\"Ünï \"\"x\"\"\" <> E'a\\\\b''c'",
    "(j ->> 'k') IS NOT NULL AND j ? 'k' AND j @> '{}'",
    "arr[1] > 0 AND arr[1:2] <> '{}' AND cardinality(arr) > 0",
    "r && int4range(1, 10)",
    "CASE n WHEN 1 THEN f WHEN 2 THEN NOT f ELSE NULL END",
    "CASE WHEN n > 1 THEN a = 'x' ELSE true END",
    "coalesce(n, 0) + greatest(n, 1) - least(n, 2) >= 0",
    "interval '1 day' * n < interval '1 year' AND interval '1' month > interval '5' minute",
    "w::timestamp(0) = w AND ts::timestamptz(3) = ts",
    "a::varchar(5) = a AND a::char(3) <> 'x'",
    "num_nonnulls(a, b) = 1",
    "a <> current_user AND ts < current_timestamp",
    "a = format('%s', VARIADIC ARRAY[b])",
    "make_interval(days => n) > interval '0'",
};

const std::vector<std::string> kStatistics = {
    "ON a, b",
    "(ndistinct) ON a, b, n",
    "(dependencies, mcv) ON a, \"Ünï \"\"x\"\"\"",
    "ON (lower(a))",
    "(mcv) ON n, (a || b), ((NOT f)::text)",
};

// The name that the object will have reads the same in both: what is compared is the rest.
std::string text_of(Client& client, const std::string& function, const std::string& catalog, const std::string& column,
                    const std::string& name) {
  return client.value("SELECT replace(" + function + "(oid), '" + name + "', 'NAME') FROM " + catalog + " WHERE " +
                      column + " = '" + name + "'");
}

Client with_schema(const TestDatabase& database) {
  Client client = database.connect();
  client.exec(kSchema);
  return client;
}

}  // namespace

TEST_CASE("an index that is rendered anew is the same index under another name") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Client client = with_schema(database);
    std::vector<std::string> definitions = kIndexes;
    if (major >= 15) definitions.push_back("(n) INCLUDE (a) NULLS NOT DISTINCT WITH (fillfactor = 90) WHERE f");
    for (const std::string& rest : definitions) {
      CAPTURE(rest);
      const bool unique = rest.find("NULLS NOT DISTINCT") != std::string::npos;
      client.exec("SET search_path = app, pg_catalog; CREATE " + std::string(unique ? "UNIQUE " : "") +
                  "INDEX one_index ON \"T 1\" " + rest + "; SET search_path = pg_catalog");
      const std::string definition = client.value("SELECT pg_get_indexdef('app.one_index'::regclass)");
      const std::string rewritten = rewrite_index(definition, "two_index", true, {{"absent", "x"}});
      CAPTURE(rewritten);
      CHECK(rewritten.find("INDEX CONCURRENTLY two_index ON ") != std::string::npos);
      client.exec(rewritten);
      const std::string one = text_of(client, "pg_get_indexdef", "pg_class", "relname", "one_index");
      CHECK(text_of(client, "pg_get_indexdef", "pg_class", "relname", "two_index") == one);
      client.exec("DROP INDEX app.one_index, app.two_index");
    }
  }
}

TEST_CASE("a check that is rendered anew is the same check") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Client client = with_schema(database);
    for (const std::string& check : kChecks) {
      CAPTURE(check);
      client.exec("SET search_path = app, pg_catalog; ALTER TABLE \"T 1\" ADD CONSTRAINT one_check CHECK (" + check +
                  ") NO INHERIT NOT VALID; SET search_path = pg_catalog");
      const std::string one = text_of(client, "pg_get_constraintdef", "pg_constraint", "conname", "one_check");
      const std::string rewritten = rewrite_check(one, {});
      CAPTURE(rewritten);
      client.exec("ALTER TABLE app.\"T 1\" ADD CONSTRAINT two_check CHECK (" + rewritten + ") NO INHERIT NOT VALID");
      CHECK(text_of(client, "pg_get_constraintdef", "pg_constraint", "conname", "two_check") == one);
      client.exec("ALTER TABLE app.\"T 1\" DROP CONSTRAINT one_check, DROP CONSTRAINT two_check");
    }
  }
}

TEST_CASE("statistics that are rendered anew are the same statistics under another name") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Client client = with_schema(database);
    client.exec("CREATE SCHEMA \"Other\"");
    for (const std::string& rest : kStatistics) {
      CAPTURE(rest);
      const std::size_t on = rest.find("ON ");
      client.exec("SET search_path = app, pg_catalog; CREATE STATISTICS app.one_stat " + rest.substr(0, on) +
                  rest.substr(on) + " FROM \"T 1\"; SET search_path = pg_catalog");
      const std::string definition =
          client.value("SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxname = 'one_stat'");
      const std::string rewritten = rewrite_statistics(definition, "Other", "two_stat", {});
      CAPTURE(rewritten);
      CHECK(rewritten.find("CREATE STATISTICS \"Other\".two_stat ") == 0);
      client.exec(rewritten);
      const auto shown = [&](const std::string& name) {
        return client.value(
            "SELECT replace(replace(pg_get_statisticsobjdef(oid), '\"Other\".two', 'app.one'), 'two', 'one')"
            " FROM pg_statistic_ext WHERE stxname = '" +
            name + "'");
      };
      CHECK(shown("two_stat") == shown("one_stat"));
      client.exec("DROP STATISTICS app.one_stat, \"Other\".two_stat");
    }
  }
}

TEST_CASE("columns are renamed wherever an index names them, and nothing else is") {
  CHECK(
      rewrite_index(
          "CREATE UNIQUE INDEX i ON app.t USING btree (a DESC, lower(a), b) INCLUDE (a) WITH (fillfactor='90')"
          " TABLESPACE a WHERE ((a)::text <> 'a'::text)",
          "New", false, {{"a", "select"}, {"i", "x"}, {"t", "y"}}) ==
      "CREATE UNIQUE INDEX \"New\" ON app.t USING btree (\"select\" DESC, (lower(\"select\")), b) INCLUDE (\"select\")"
      " WITH (fillfactor='90') TABLESPACE a WHERE ((\"select\")::\"text\" <> ('a')::\"text\")");
  CHECK(rewrite_index("CREATE INDEX i ON ONLY app.t USING btree (a)", "j", false, {}) ==
        "CREATE INDEX j ON ONLY app.t USING btree (a)");
}

TEST_CASE("columns are renamed in checks and statistics") {
  CHECK(rewrite_check("CHECK ((a > 0) AND (b < a)) NOT VALID", {{"a", "A"}}) == "((\"A\" > 0) AND (b < \"A\"))");
  CHECK(
      rewrite_statistics("CREATE STATISTICS app.s (ndistinct) ON a, (a + b) FROM app.t", "app", "r", {{"a", "x y"}}) ==
      "CREATE STATISTICS app.r (ndistinct) ON \"x y\", ((\"x y\" + b)) FROM app.t");
}

TEST_CASE("a definition that the grammar does not know is refused with its text") {
  const auto message = [](const auto& act) {
    try {
      act();
    } catch (const Error& error) {
      return std::string(error.code()) + ": " + error.what();
    }
    return std::string("none");
  };
  CHECK(message([] { rewrite_check("CHECK ((a > 0)) NOT ENFORCED", {}); }) ==
        "change.refused: definition `CHECK ((a > 0)) NOT ENFORCED` cannot be carried along: syntax error at or near"
        " \"ENFORCED\" for the grammar of PostgreSQL 15");
  CHECK(message([] { rewrite_check("UNIQUE (a)", {}); }).find("it is not a CHECK constraint") != std::string::npos);
  CHECK(message([] { rewrite_check("CHECK (a > 0), DROP COLUMN b", {}); }).find("it is not a CHECK") !=
        std::string::npos);
  CHECK(message([] { rewrite_index("CREATE TABLE t ()", "i", true, {}); }).find("it is not CREATE INDEX") !=
        std::string::npos);
  CHECK(message([] { rewrite_index("CREATE INDEX ON a(b); DROP TABLE c", "i", true, {}); }).find("not one statement") !=
        std::string::npos);
  CHECK(message([] { rewrite_statistics("ANALYZE t", "s", "n", {}); }).find("not CREATE STATISTICS") !=
        std::string::npos);
}

TEST_CASE("the relations of a query are those that it names with a schema") {
  CHECK(relations_of("WITH c AS (SELECT * FROM app.b) SELECT x FROM c, app.a JOIN \"Ö\".t USING (x) "
                     "WHERE EXISTS (SELECT 1 FROM app.b)") ==
        std::vector<QualifiedName>{{"app", "a"}, {"app", "b"}, {"Ö", "t"}});
}

TEST_CASE("the columns of UPDATE OF are read from a trigger's definition, and there are none without it") {
  CHECK(update_columns("CREATE TRIGGER \"x UPDATE OF y\" BEFORE INSERT OR UPDATE OF a, \"B c\" ON public.t FOR EACH "
                       "ROW WHEN ((old.d IS DISTINCT FROM new.d)) EXECUTE FUNCTION f()") ==
        std::vector<std::string>{"a", "B c"});
  CHECK(update_columns("CREATE TRIGGER x AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION f()").empty());
  CHECK(update_columns("CREATE TABLE t ()").empty());
  CHECK(update_columns("CREATE TRIGGER of tomorrow").empty());
}

}  // namespace falsework::pg

TEST_SUITE_END();
