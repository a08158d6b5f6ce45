#include "postgres/catalog/compare.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/oracle/zoo.h"
#include "tests/postgres/catalog/reading.h"

namespace falsework {  // NOLINT(google-build-using-namespace)
using falsework::test::build_zoo;
using falsework::test::Server;
using falsework::test::session_of;
using falsework::test::snapshot_of;
using falsework::test::TestDatabase;

namespace {

// Differences as `object: attribute`, or `+ object` and `- object`.
std::vector<std::string> named(const std::vector<pg::Difference>& differences) {
  std::vector<std::string> names;
  for (const pg::Difference& difference : differences) {
    if (!difference.attribute.empty())
      names.push_back(difference.object + ": " + difference.attribute);
    else
      names.push_back((difference.before.empty() ? "+ " : "- ") + difference.object);
  }
  return names;
}

struct Case {
  const char* sql;
  std::vector<std::string> expected;
};

const std::vector<Case> kCases = {
    {"ALTER TABLE items ALTER amount SET DEFAULT 1", {"column items.amount: default_expression"}},
    {"ALTER TABLE items ALTER amount TYPE numeric(11, 2)", {"column items.amount: type"}},
    {"ALTER TABLE lonely ADD COLUMN \"More\" int", {"+ column lonely.\"More\""}},
    {"ALTER TABLE users DROP COLUMN sorted", {"- column users.sorted"}},
    {"ALTER TABLE users ALTER email SET STORAGE MAIN", {"column users.email: storage"}},
    {"ALTER TABLE users ALTER email SET STATISTICS 7", {"column users.email: statistics_target"}},
    {"COMMENT ON COLUMN users.email IS NULL", {"column users.email: comment"}},
    {"REVOKE ALL (email) ON users FROM PUBLIC", {"column users.email: acl"}},
    {"ALTER SEQUENCE users_ticket_seq INCREMENT 2", {"column users.ticket: owned_sequence"}},
    {"ALTER SEQUENCE alone INCREMENT 3", {"sequence alone: increment"}},
    {"CREATE INDEX more ON users (nick)", {"+ index more"}},
    {"DROP INDEX users_score", {"- index users_score"}},
    {"ALTER INDEX users_score SET (fillfactor = 70)", {"index users_score: definition", "index users_score: options"}},
    {"ALTER TABLE users CLUSTER ON users_score", {"index users_score: clustered"}},
    {"ALTER TABLE \"Other\".\"Orders\" DROP CONSTRAINT orders_user", {"- constraint \"Other\".\"Orders\".orders_user"}},
    {"ALTER TABLE items ADD CONSTRAINT c CHECK (amount > 0) NOT VALID", {"+ constraint items.c"}},
    {"ALTER TABLE users DISABLE TRIGGER users_touch", {"trigger users.users_touch: enabled"}},
    {"CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
     {"trigger addresses.addresses_touch: function_source", "trigger events.events_touch: function_source",
      "trigger events_1.events_touch: function_source", "trigger users.users_touch: function_source"}},
    {"ALTER POLICY own_row ON users WITH CHECK (score > 2)", {"policy users.own_row: check_expression"}},
    {"DROP STATISTICS users_pairs", {"- statistics users_pairs"}},
    {"ALTER PUBLICATION news DROP TABLE items", {"- publication news of items"}},
    {"ALTER TABLE users FORCE ROW LEVEL SECURITY", {"table users: force_row_security"}},
    {"ALTER TABLE lonely REPLICA IDENTITY NOTHING", {"table lonely: replica_identity"}},
    {"DROP RULE lonely_gone ON lonely", {"table lonely: rules", "table users: dependents"}},
    {"CREATE OR REPLACE VIEW domains AS SELECT split_part(email, '@', 1) AS domain FROM addresses",
     {"view domains: query"}},
    {"ALTER VIEW addresses RESET (security_barrier)", {"view addresses: options"}},
    {"DROP MATERIALIZED VIEW domain_counts", {"- view domain_counts"}},
    {"CREATE VIEW more AS SELECT 1 AS one", {"+ view more"}},
    {"CREATE TABLE more (id int)", {"+ table more"}},
    {"CREATE TYPE more AS ENUM ('x')", {"+ type more"}},
    {"ALTER FUNCTION touch() STABLE", {"function touch(): volatility"}},
    {"DROP FUNCTION email_of(addresses)", {"- function email_of(public.addresses)", "view addresses: dependents"}},
};

}  // namespace

TEST_SUITE("postgres/catalog/compare") {
  TEST_CASE("each difference between two catalogs is named by its object and attribute, and nothing else is") {
    TestDatabase database(Server::any());
    build_zoo(database);
    const auto session = session_of(database);
    const pg::Snapshot before = pg::introspect(*session, {});
    for (const Case& c : kCases) {
      CAPTURE(std::string(c.sql));
      session->begin();
      session->query("SET LOCAL search_path = public");
      session->query(c.sql);
      session->query("SET LOCAL search_path = pg_catalog");
      const pg::Snapshot after = pg::introspect(*session, {});
      session->rollback();
      CHECK(named(pg::compare(before, after)) == c.expected);
      // The other way round, what was new is missing.
      CHECK(pg::compare(after, before).size() == c.expected.size());
    }
  }

  TEST_CASE("a difference shows both values") {
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE t (a int)");
    const pg::Snapshot before = snapshot_of(database);
    database.exec("ALTER TABLE t ALTER a TYPE bigint; ALTER TABLE t ALTER a SET NOT NULL");
    std::vector<pg::Difference> found = pg::compare(before, snapshot_of(database));
    std::erase_if(found, [](const pg::Difference& d) { return d.object.starts_with("constraint "); });  // 18 and later
    REQUIRE(found.size() == 2);
    CHECK(found[0] == pg::Difference{"column t.a", "not_null", "false", "true"});
    CHECK(found[1].attribute == "type");
    CHECK(found[1].before.starts_with("name: integer"));
    CHECK(found[1].after.starts_with("name: bigint"));
  }

  TEST_CASE("statistics, sizes, attribute numbers and versions of the server are no difference") {
    TestDatabase database(Server::any());
    build_zoo(database);
    const pg::Snapshot before = snapshot_of(database);
    database.exec(
        "INSERT INTO users (email) SELECT i FROM generate_series(1, 1000) i; ANALYZE;"
        "ALTER TABLE lonely ADD passing int; ALTER TABLE lonely DROP passing");
    pg::Snapshot after = snapshot_of(database);
    after.server_version = 180000;
    after.database = "elsewhere";
    CHECK(before != after);
    CHECK(named(pg::compare(before, after)) == std::vector<std::string>{});
  }

  TEST_CASE("the order of columns counts unless it is to be ignored") {
    TestDatabase database(Server::any());
    database.exec("CREATE TABLE t (a int, b int)");
    const pg::Snapshot before = snapshot_of(database);
    database.exec("DROP TABLE t; CREATE TABLE t (b int, a int)");
    const pg::Snapshot after = snapshot_of(database);
    CHECK(pg::compare(before, after) == std::vector<pg::Difference>{{"table t", "column order", "a, b", "b, a"}});
    CHECK(pg::compare(before, after, {.column_order = false}).empty());
  }
}

}  // namespace falsework
