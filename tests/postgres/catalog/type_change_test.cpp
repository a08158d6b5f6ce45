// The matrix of type changes against real servers: every pair of the types below, by what ALTER TABLE does to the files
// and by what assignment does to values at the limits of each type.
#include "postgres/catalog/type_change.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "postgres/catalog/builtin_type.h"
#include "tests/support/server.h"

using falsework::pg::CastKind;
using falsework::pg::classify_type_change;
using falsework::pg::is_builtin_type;
using falsework::pg::TypeChange;
using falsework::pg::TypeChangeCost;
using falsework::pg::TypeShape;
using falsework::test::Client;
using falsework::test::Row;
using falsework::test::Server;
using falsework::test::TestDatabase;

namespace {

struct Sample {
  const char* type;
  std::vector<const char*> values;  // the limits, and what is special
};

const std::vector<Sample>& samples() {
  static const std::vector<Sample> kSamples = {
      {"smallint", {"0", "-1", "-32768", "32767"}},
      {"integer", {"0", "-1", "-2147483648", "2147483647", "16777217"}},
      {"bigint", {"0", "-1", "-9223372036854775808", "9223372036854775807", "9007199254740993"}},
      {"numeric", {"0", "0.1", "-1.5", "NaN", "Infinity", "1e400", "1e-400", "123456789012345678901234567890.5"}},
      {"numeric(5,0)", {"0", "-99999", "99999", "NaN"}},
      {"numeric(5,2)", {"0", "0.01", "-999.99", "999.99", "NaN"}},
      {"numeric(10,2)", {"0", "0.01", "-99999999.99", "99999999.99", "NaN"}},
      {"numeric(12,2)", {"0.01", "-9999999999.99", "9999999999.99", "NaN"}},
      {"numeric(12,4)", {"0.0001", "-99999999.9999", "99999999.9999", "NaN"}},
      {"numeric(20,0)", {"0", "-99999999999999999999", "99999999999999999999", "NaN"}},
      {"numeric(38,10)", {"0.0000000001", "9999999999999999999999999999.9999999999", "NaN"}},
      {"real", {"0", "0.1", "-1.5", "16777216", "3.4028235e38", "1e-45", "NaN", "Infinity", "1.2345678"}},
      {"double precision",
       {"0", "0.1", "1.5", "9007199254740993", "1.7976931348623157e308", "5e-324", "NaN", "-Infinity",
        "0.30000000000000004"}},
      {"money", {"0", "-92233720368547758.08", "92233720368547758.07", "1.50"}},
      {"oid", {"0", "1", "4294967295"}},
      {"regclass", {"public.probed", "pg_catalog.pg_class"}},
      {"boolean", {"true", "false"}},
      {"text",
       {"public.probed", "", "a", "a ", " a", "0123456789", "01234567890123456789", "a                             ",
        "0123456789012345678901234567890123456789012345678901234567890123456789", "éééééééééééééééééééé"}},
      {"character varying",
       {"public.probed", "", "a", "a ", "0123456789", "a                             ",
        "0123456789012345678901234567890123456789012345678901234567890123456789"}},
      {"character varying(10)", {"type_1", "", "a", "a ", "a         ", "0123456789", "éééééééééé"}},
      {"character varying(20)",
       {"public.probed", "", "a ", "a                   ", "01234567890123456789", "𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞"}},
      {"character(5)", {"", "a", "abcde", "é"}},
      {"character(20)", {"", "a", "01234567890123456789", "𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞𝄞"}},
      {"bpchar",
       {"", "a", "a  ", "01234567890123456789", "a                             ",
        "0123456789012345678901234567890123456789012345678901234567890123456789"}},
      {"name",
       {"", "a", "a ", "a                             ",
        "012345678901234567890123456789012345678901234567890123456789012"}},
      {"\"char\"", {"a", "z", " "}},
      {"date", {"2024-02-29", "4714-11-24 BC", "5874897-12-31", "infinity"}},
      {"time without time zone", {"00:00:00", "24:00:00", "12:34:56.789123"}},
      {"time(0) without time zone", {"00:00:00", "24:00:00", "12:34:56"}},
      {"time with time zone", {"00:00:00+00", "24:00:00-15:59", "12:34:56.789123+01"}},
      {"timestamp without time zone",
       {"2024-02-29 12:34:56.789123", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity",
        "-infinity"}},
      {"timestamp(3) without time zone", {"2024-02-29 12:34:56.789", "infinity"}},
      {"timestamp with time zone", {"2024-02-29 12:34:56.789123+00", "294276-12-31 23:59:59.999999+00", "infinity"}},
      {"timestamp(3) with time zone", {"2024-02-29 12:34:56.789+00", "-infinity"}},
      {"interval",
       {"0", "1 year 2 mons 3 days 04:05:06.789123", "-178000000 years", "24:00:00", "-1 mon 1 day -00:00:01"}},
      {"interval(3)", {"1 year 2 mons 3 days 04:05:06.789", "-00:00:00.001"}},
      {"interval day to second", {"1 year 2 mons 3 days 04:05:06.789123", "24:00:00"}},
      {"interval hour to minute", {"1 year 2 mons 3 days 04:05:00", "24:00:00"}},
      {"uuid", {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
      {"json", {"{\"a\": 1, \"a\":2}", "\"\\u0000\"", "1e100", "[ ]", "null", "1                              "}},
      {"jsonb", {"{\"a\": 1, \"b\": [1.50, null]}", "\"x\"", "1e100", "null"}},
      {"xml", {"<a/>", "a b", "<a>1</a>         ", "x                              "}},
      {"bytea", {"", "\\x00ff", "abc", "01234567890123456789"}},
      {"inet", {"1.2.3.4", "1.2.3.4/24", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "::ffff:255.255.255.255/128"}},
      {"cidr", {"1.2.3.0/24", "0.0.0.0/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"}},
      {"macaddr", {"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"}},
      {"macaddr8", {"00:00:00:ff:fe:00:00:00", "ff:ff:ff:ff:ff:ff:ff:ff"}},
      {"bit(8)", {"00000000", "11111111"}},
      {"bit(16)", {"0000000000000000", "1111111111111111"}},
      {"bit varying", {"", "1", "1111111100000000", "111111111111111111111111"}},
      {"bit varying(8)", {"", "1", "11111111"}},
      {"bit varying(16)", {"", "1", "1111111111111111"}},
      {"point", {"(0,0)", "(1.5,-2)"}},
      {"box", {"(1,1),(0,0)", "(2.5,2),(-1,0)", "(1.23456789,2.3456789),(0.1,0.1)"}},
      {"path", {"((0,0),(1,1),(2,0))", "[(0,0),(1,1)]"}},
      {"polygon", {"((0,0),(1,1),(2,0))", "((0,0),(0,5),(5,5),(5,0))"}},
      {"tsvector", {"", "'a':1 'b':2A"}},
      {"int4range", {"empty", "[1,5)", "(,)"}},
      {"integer[]", {"{}", "{1,NULL,-2147483648}"}},
      {"bigint[]", {"{}", "{1,9223372036854775807}"}},
      {"character varying(10)[]", {"{}", "{0123456789,0123456789}", "{a,0123456789}"}},
      {"character varying(20)[]", {"{}", "{01234567890123456789}", "{\"a                   \"}"}},
      {"text[]", {"{}", "{\"a                              \"}", "{\"a \",01234567890123456789012345}"}},
      {"date[]", {"{}", "{2024-02-29}"}},
  };
  return kSamples;
}

using Pair = std::pair<std::string, std::string>;

// Alters an empty table of one type to every other, each in a subtransaction that is rolled back.
constexpr const char* kAlterToEvery = R"sql(
CREATE FUNCTION alter_to_every(f text, types text[]) RETURNS TABLE (t text, outcome text) LANGUAGE plpgsql AS $$
DECLARE heap oid; idx oid; has_index boolean; step int;
BEGIN
  EXECUTE format('CREATE TABLE altered (c %s)', f);
  FOREACH t IN ARRAY types LOOP
    has_index := true;
    FOR step IN 1..2 LOOP
      BEGIN
        IF has_index THEN CREATE INDEX altered_c ON altered (c); END IF;
        heap := pg_relation_filenode('altered');
        idx := pg_relation_filenode(to_regclass('altered_c'));
        EXECUTE format('ALTER TABLE altered ALTER COLUMN c TYPE %s', t);
        RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = format('%s %s',
          CASE WHEN heap = pg_relation_filenode('altered') THEN 'kept' ELSE 'changed' END,
          CASE WHEN NOT has_index THEN 'none' WHEN idx = pg_relation_filenode(to_regclass('altered_c')) THEN 'kept'
               ELSE 'changed' END);
      EXCEPTION
        WHEN SQLSTATE 'ZZ001' THEN outcome := SQLERRM; EXIT;
        WHEN datatype_mismatch THEN outcome := 'no cast'; EXIT;
        WHEN undefined_object THEN has_index := false;  -- one of the two has no btree operator class
      END;
    END LOOP;
    RETURN NEXT;
  END LOOP;
  DROP TABLE altered;
END $$
)sql";

std::string array_of(const std::vector<std::string>& elements) {
  std::string text = "{";
  for (const std::string& element : elements) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : element) text += (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    text += '"';
  }
  return text + "}";
}

std::string all_types() {
  std::vector<std::string> types;
  for (const Sample& sample : samples()) types.emplace_back(sample.type);
  return array_of(types);
}

TypeChange classify(const std::string& from, const std::string& to) {
  TypeShape shape;
  shape.name = from;
  return classify_type_change(shape, to);
}

std::string types_with_cast(const std::string& from) {
  std::vector<std::string> types;
  for (const Sample& sample : samples()) {
    if (classify(from, sample.type).up != CastKind::kNone) types.emplace_back(sample.type);
  }
  return array_of(types);
}

// As find_coercion_pathway (parse_coerce.c) decides.
constexpr const char* kCastsByCatalog = R"sql(
WITH types AS (
  SELECT t.name, ty.oid, ty.typcategory = 'A' AS is_array, CASE ty.typcategory WHEN 'A' THEN ty.typelem ELSE ty.oid END AS item
  FROM unnest($1::text[]) AS t(name) JOIN pg_type AS ty ON ty.oid = to_regtype(t.name)
), pairs AS (
  SELECT f.name AS f, t.name AS t, CASE WHEN f.is_array AND t.is_array THEN f.item ELSE f.oid END AS source,
    CASE WHEN f.is_array AND t.is_array THEN t.item ELSE t.oid END AS target
  FROM types AS f, types AS t
)
SELECT p.f, p.t, p.source = p.target OR coalesce(c.castcontext IN ('i', 'a'), y.typcategory = 'S')
FROM pairs AS p JOIN pg_type AS y ON y.oid = p.target
LEFT JOIN pg_cast AS c ON c.castsource = p.source AND c.casttarget = p.target
)sql";

// Assigns every sample of a type to a column of another, and casts back. A value counts as changed when it does not
// come back bit by bit. `other` holds what assignment gives under other settings of the session.
constexpr const char* kAssignEveryPair = R"sql(
CREATE FUNCTION assign(f int, t int, place int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('INSERT INTO public.type_%s (place, c) SELECT -place, c FROM public.type_%s WHERE place = $1', t, f) USING place;
  RETURN true;
EXCEPTION WHEN OTHERS THEN
  RETURN false;
END $$;
CREATE FUNCTION returns_same(f int, t int, place int, type text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE same boolean; via text;
BEGIN
  FOREACH via IN ARRAY ARRAY['c::%3$s', 'c::text::%3$s', 'c::numeric::%3$s'] LOOP
    BEGIN
      EXECUTE format('SELECT coalesce((SELECT record_image_eq(ROW(a.c), ROW(b.c)) FROM (SELECT c FROM public.type_%1$s WHERE place = $1) a,'
        ' (SELECT ' || via || ' AS c FROM public.type_%2$s WHERE place = -$1) b), false)', f, t, type)
        INTO same USING place;
      RETURN same;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
  RETURN false;
END $$;
CREATE FUNCTION assign_every_pair(types text[], pairs jsonb)
RETURNS TABLE (f text, t text, fails boolean, changes boolean, session boolean) LANGUAGE plpgsql AS $$
DECLARE pair jsonb; i int; j int; n int; before text; after text;
BEGIN
  FOR pair IN SELECT jsonb_array_elements(pairs) LOOP
    i := pair -> 0; j := pair -> 1; f := types[i]; t := types[j];
    fails := false; changes := false; session := false;
    EXECUTE format('SELECT max(place) FROM public.type_%s', i) INTO n;
    FOR k IN 1..n LOOP
      SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres';
      SET LOCAL bytea_output = 'hex'; SET LOCAL search_path = pg_catalog, public;
      IF NOT public.assign(i, j, k) THEN fails := true; CONTINUE; END IF;
      IF NOT public.returns_same(i, j, k, types[i]) THEN changes := true; END IF;
      EXECUTE format('SELECT encode(record_send(ROW(c)), ''hex'') FROM public.type_%s WHERE place = -$1', j) INTO before USING k;
      EXECUTE format('DELETE FROM public.type_%s WHERE place = -$1', j) USING k;
      SET LOCAL TimeZone = 'America/New_York'; SET LOCAL DateStyle = 'SQL, DMY'; SET LOCAL IntervalStyle = 'iso_8601';
      SET LOCAL bytea_output = 'escape'; SET LOCAL search_path = pg_catalog;
      PERFORM public.assign(i, j, k);
      EXECUTE format('SELECT encode(record_send(ROW(c)), ''hex'') FROM public.type_%s WHERE place = -$1', j) INTO after USING k;
      EXECUTE format('DELETE FROM public.type_%s WHERE place = -$1', j) USING k;
      IF before IS DISTINCT FROM after THEN session := true; END IF;
    END LOOP;
    RETURN NEXT;
  END LOOP;
END $$
)sql";

struct Survival {
  bool fails = false, changes = false, session = false;
};

// Not where a length decides, for it is not known of every type's text; nor for money, for lc_monetary has no second
// value that every machine has; nor from intervals to times, which can fail only since 17, with infinite intervals.
bool said_exactly(const Pair& pair) {
  const auto bounded = [](const std::string& type) {
    return type.starts_with("character varying(") || type.starts_with("character(") || type == "bpchar" ||
           type == "name";
  };
  const bool money = pair.first == "money" || pair.second == "money";
  return !bounded(pair.first) && !bounded(pair.second) && !money &&
         !(pair.first.starts_with("interval") && pair.second.starts_with("time"));
}

bool can_fail(CastKind kind) { return kind == CastKind::kPartial || kind == CastKind::kPartialLossy; }
bool can_change(CastKind kind) { return kind == CastKind::kLossy || kind == CastKind::kPartialLossy; }

void create_samples(Client& client) {
  client.exec("CREATE TABLE probed (c int); SET TimeZone = 'UTC'");
  for (std::size_t i = 0; i < samples().size(); ++i) {
    const std::string table = "type_" + std::to_string(i + 1);
    client.exec("CREATE TABLE " + table + " (place int, c " + samples()[i].type + ")");
    for (std::size_t k = 0; k < samples()[i].values.size(); ++k) {
      client.query("INSERT INTO " + table + " VALUES ($1::int, $2)", {std::to_string(k + 1), samples()[i].values[k]});
    }
  }
}

std::map<Pair, Survival> assign_every_pair(Client& client) {
  std::string pairs;
  for (std::size_t i = 0; i < samples().size(); ++i) {
    for (std::size_t j = 0; j < samples().size(); ++j) {
      if (i == j || classify(samples()[i].type, samples()[j].type).up == CastKind::kNone) continue;
      pairs += (pairs.empty() ? "[" : ",[") + std::to_string(i + 1) + "," + std::to_string(j + 1) + "]";
    }
  }
  client.exec(kAssignEveryPair);
  std::map<Pair, Survival> found;
  for (const Row& row :
       client.query("SELECT * FROM assign_every_pair($1::text[], $2::jsonb)", {all_types(), "[" + pairs + "]"})) {
    found[{*row[0], *row[1]}] = {row[2] == "t", row[3] == "t", row[4] == "t"};
  }
  return found;
}

}  // namespace

TEST_SUITE("postgres/catalog/type_change") {
  TEST_CASE(
      "there is an assignment cast where pg_cast and the rule for strings say so, for every pair, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      const TestDatabase database(Server::of(major));
      Client client = database.connect();
      for (const Row& row : client.query(kCastsByCatalog, {all_types()})) {
        CAPTURE(*row[0]);
        CAPTURE(*row[1]);
        // In 14 it is one of the strings; nobody has a column of it.
        if (major == 14 && row[1] == "\"char\"") continue;
        CHECK((classify(*row[0], *row[1]).up != CastKind::kNone) == (row[2] == "t"));
      }
    }
  }

  TEST_CASE("ALTER COLUMN TYPE casts and rewrites as the matrix says") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      const TestDatabase database(Server::of(major));
      Client client = database.connect();
      client.exec("SET TimeZone = 'UTC'");
      client.exec(kAlterToEvery);
      for (const Sample& sample : samples()) {
        const std::string from = sample.type;
        CAPTURE(from);
        // Pairs without a cast all fail alike: trying them on one version is enough.
        const bool all_pairs = major == Server::any().major();
        // A transaction for each type: within one, the catalog only grows.
        const auto rows = client.query("SELECT * FROM alter_to_every($1, $2::text[])",
                                       {from, all_pairs ? all_types() : types_with_cast(from)});
        REQUIRE(rows.size() > 1);
        for (const Row& row : rows) {
          const std::string to = *row[0];
          const std::string outcome = *row[1];
          CAPTURE(to);
          CAPTURE(outcome);
          const TypeChange change = classify(from, to);
          CHECK((change.up == CastKind::kNone) == (outcome == "no cast"));
          if (outcome == "no cast") continue;
          CHECK((change.cost == TypeChangeCost::kRewrite) == outcome.starts_with("changed "));
          // Without an index nothing can be rebuilt: either answer is right.
          if (outcome == "kept kept") CHECK(change.cost == TypeChangeCost::kNothing);
          if (outcome == "kept changed") CHECK(change.cost == TypeChangeCost::kIndexRebuild);
        }
      }
    }
  }

  TEST_CASE("values survive a cast as the matrix says, at the limits of every type, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      const TestDatabase database(Server::of(major));
      Client client = database.connect();
      create_samples(client);
      const std::map<Pair, Survival> found = assign_every_pair(client);
      REQUIRE(found.size() > 500);
      for (const auto& each : found) {
        const Pair& pair = each.first;
        const Survival& survival = each.second;
        CAPTURE(pair.first);
        CAPTURE(pair.second);
        const TypeChange change = classify(pair.first, pair.second);
        const auto back = found.find({pair.second, pair.first});
        const bool session = survival.session || (back != found.end() && back->second.session);
        // What happens is what is said.
        if (survival.fails) CHECK(can_fail(change.up));
        if (survival.changes) CHECK(can_change(change.up));
        if (session) CHECK(change.session_dependent);
        if (!said_exactly(pair)) continue;
        // What is said happens.
        CHECK(can_fail(change.up) == survival.fails);
        CHECK(can_change(change.up) == survival.changes);
        CHECK(change.session_dependent == session);
      }
    }
  }

  TEST_CASE("a domain costs what its base type costs, and its constraints count on the way back") {
    struct Case {
      const char* domain;
      const char* base;
      bool constrained;
      const char* to;
      TypeChangeCost cost;
      CastKind up, down;
    };
    using enum TypeChangeCost;
    const std::vector<Case> cases = {
        {"plain", "integer", false, "integer", kNothing, CastKind::kTotal, CastKind::kTotal},
        {"checked", "integer", true, "integer", kNothing, CastKind::kTotal, CastKind::kPartial},
        {"plain", "integer", false, "bigint", kRewrite, CastKind::kTotal, CastKind::kPartial},
        {"checked", "integer", true, "bigint", kRewrite, CastKind::kTotal, CastKind::kPartial},
        {"short", "character varying(10)", false, "character varying(10)", kRewrite, CastKind::kTotal,
         CastKind::kTotal},
        {"short", "character varying(10)", false, "character varying", kNothing, CastKind::kTotal,
         CastKind::kPartialLossy},
        {"short", "character varying(10)", false, "text", kNothing, CastKind::kTotal, CastKind::kPartialLossy},
    };
    for (const int major : Server::majors()) {
      CAPTURE(major);
      const TestDatabase database(Server::of(major));
      Client client = database.connect();
      client.exec(
          "CREATE DOMAIN plain AS integer; CREATE DOMAIN checked AS integer CHECK (value > 0);"
          "CREATE DOMAIN short AS varchar(10)");
      for (const Case& c : cases) {
        CAPTURE(std::string(c.domain));
        CAPTURE(std::string(c.to));
        TypeShape shape;
        shape.name = std::string("public.") + c.domain;
        shape.kind = 'd';
        shape.domain_base = c.base;
        shape.domain_constrained = c.constrained;
        const TypeChange change = classify_type_change(shape, c.to);
        CHECK(change.cost == c.cost);
        CHECK(change.up == c.up);
        CHECK(change.down == c.down);
        client.exec(std::string("CREATE TABLE d (c ") + c.domain + "); CREATE INDEX d_c ON d (c)");
        const std::string files = "SELECT concat(pg_relation_filenode('d'), ' ', pg_relation_filenode('d_c'))";
        const std::string before = client.value(files);
        client.exec(std::string("ALTER TABLE d ALTER c TYPE ") + c.to);
        CHECK((client.value(files) == before) == (c.cost == kNothing));
        client.exec("DROP TABLE d");
      }
    }
  }

  TEST_CASE("every type of the server's own is known by its spelling, and nothing else is") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      const TestDatabase database(Server::of(major));
      Client client = database.connect();
      client.exec("CREATE TYPE mood AS ENUM ('sad')");
      const std::vector<Row> rows = client.exec(
          "SELECT format_type(t.oid, NULL), format_type(t.oid, -1), n.nspname = 'pg_catalog' FROM pg_type AS t "
          "JOIN pg_namespace AS n ON n.oid = t.typnamespace WHERE t.typtype IN ('b', 'r', 'm', 'e') "
          "AND n.nspname IN ('pg_catalog', 'public') AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = "
          "t.oid AND e.typtype IN ('c', 'p'))");
      REQUIRE(rows.size() > 100);
      for (const Row& row : rows) {
        const std::string plain = row[0].value();
        const std::string without_modifier = row[1].value();
        const bool builtin = row[2].value() == "t";
        CAPTURE(plain);
        CAPTURE(without_modifier);
        CHECK(is_builtin_type(plain) == builtin);
        CHECK(is_builtin_type(without_modifier) == builtin);
      }
    }
    for (const char* spelling : {"numeric(10,2)", "character varying(20)[]", "time(3) with time zone",
                                 "interval day to second(3)", "bit(3)"}) {
      CAPTURE(std::string(spelling));
      CHECK(is_builtin_type(spelling));
    }
    CHECK_FALSE(is_builtin_type("nosuchtype"));
    CHECK_FALSE(is_builtin_type("public.text"));
  }

  TEST_CASE("a type that is not the server's is rewritten, converts to strings, and comes back by no cast") {
    TypeShape shape;
    shape.name = "public.mood";
    shape.kind = 'e';
    const TypeChange to_text = classify_type_change(shape, "text");
    CHECK(to_text.cost == TypeChangeCost::kRewrite);
    CHECK(to_text.up == CastKind::kTotal);
    CHECK(to_text.down == CastKind::kNone);
    CHECK_FALSE(to_text.session_dependent);
    const TypeChange to_unknown = classify_type_change(shape, "public.temper");
    CHECK(to_unknown.cost == TypeChangeCost::kRewrite);
    CHECK(to_unknown.up == CastKind::kNone);
    CHECK(classify_type_change(shape, "public.mood").cost == TypeChangeCost::kNothing);
  }
}
