#include "postgres/catalog/fingerprint.h"

#include <doctest/doctest.h>

#include <map>
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

using Digests = std::map<std::string, std::string>;  // `relation / object` -> digest

constexpr const char* kRelations =
    R"({public.users,public.lonely,"\"Other\".\"Orders\"",public.events,public.missing})";

Digests digests(pg::Session& session) {
  Digests found;
  const pg::Rows rows = session.query(pg::fingerprint_query(), {kRelations});
  for (std::size_t row = 0; row < rows.size(); ++row) {
    found[rows.text(row, 0) + " / " + rows.text(row, 1)] = rows.text(row, 2);
  }
  return found;
}

std::vector<std::string> differing(const Digests& before, const Digests& after) {
  std::vector<std::string> names;
  for (const auto& [name, digest] : before) {
    const auto found = after.find(name);
    if (found == after.end())
      names.push_back("- " + name);
    else if (found->second != digest)
      names.push_back(name);
  }
  for (const auto& [name, digest] : after) {
    if (!before.contains(name)) names.push_back("+ " + name);
  }
  return names;
}

std::string text(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += name + "\n";
  return joined;
}

struct Case {
  const char* sql;
  std::vector<std::string> expected;
  int since = 14;
};

const std::vector<Case> kCases = {
    {"ALTER TABLE lonely ALTER id SET DEFAULT 1", {"lonely / column id"}},
    {"ALTER TABLE lonely ADD COLUMN more int", {"+ lonely / column more"}},
    {"ALTER TABLE users DROP COLUMN sorted", {"- users / column sorted"}},
    {"ALTER TABLE events ALTER v TYPE text COLLATE \"C\"", {"events / column v"}},
    {"ALTER TABLE users ALTER email SET STATISTICS 7", {"users / column email"}},
    {"ALTER TABLE users ALTER email SET (n_distinct = 7)", {"users / column email"}},
    {"COMMENT ON COLUMN users.email IS 'x'", {"users / column email"}},
    {"GRANT SELECT (nick) ON users TO PUBLIC", {"users / column nick"}},
    {"ALTER SEQUENCE further OWNED BY NONE", {"users / column score"}},
    {"ALTER TABLE lonely REPLICA IDENTITY DEFAULT", {"lonely / table"}},
    {"ALTER TABLE users FORCE ROW LEVEL SECURITY", {"users / table"}},
    {"CREATE INDEX more ON lonely (id)", {"+ lonely / index more"}},
    {"ALTER INDEX users_score RENAME TO users_scored", {"- users / index users_score", "+ users / index users_scored"}},
    {"ALTER TABLE users CLUSTER ON users_score", {"users / index users_score"}},
    {"ALTER TABLE lonely ADD CONSTRAINT c CHECK (id > 0) NOT VALID", {"+ lonely / constraint c"}},
    {"COMMENT ON CONSTRAINT score_positive ON users IS 'x'", {"users / constraint score_positive"}},
    {"ALTER TABLE \"Other\".\"Orders\" ALTER CONSTRAINT orders_user NOT DEFERRABLE",
     {"\"Other\".\"Orders\" / constraint orders_user", "users / reference \"Other\".\"Orders\".orders_user"}},
    {"CREATE TABLE more (u bigint CONSTRAINT m REFERENCES users)", {"+ users / reference public.more.m"}},
    {"ALTER TABLE users DISABLE TRIGGER users_touch", {"users / trigger users_touch"}},
    {"CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
     {"events / trigger events_touch", "users / trigger users_touch"}},
    {"ALTER POLICY own_row ON users USING (true)", {"users / policy own_row"}},
    {"ALTER STATISTICS users_pairs SET STATISTICS 3", {"users / statistics users_pairs"}},
    {"ALTER TABLE lonely DISABLE RULE lonely_gone", {"lonely / rule lonely_gone"}},
    {"GRANT SELECT ON addresses TO PUBLIC", {"users / view addresses"}},
    {"COMMENT ON VIEW domains IS 'x'", {"users / view domains"}},
    {"DROP MATERIALIZED VIEW domain_counts", {"- users / view domain_counts"}},
    {"ALTER PUBLICATION news DROP TABLE lonely", {"- lonely / publication news"}},
    {"ALTER PUBLICATION news SET TABLE lonely (note), items", {"lonely / publication news"}, 15},
    {"ALTER PUBLICATION news SET TABLE lonely WHERE (id > 3), items", {"lonely / publication news"}, 15},
    {"CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20)", {"events / table"}},
    {"GRANT SELECT ON users TO PUBLIC", {}},
    {"ALTER TABLE users SET (fillfactor = 80)", {}},
    {"INSERT INTO users (email) VALUES ('c@example.org')", {}},
    {"ANALYZE users", {}},
    {"CLUSTER users USING users_score", {"users / index users_score"}},
};

}  // namespace

TEST_SUITE("postgres/catalog/fingerprint") {
  TEST_CASE("a change of the catalog changes the digest of its object alone, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      const auto session = session_of(database);
      const Digests before = digests(*session);
      REQUIRE(before.size() > 30);
      for (const Case& c : kCases) {
        if (c.since > major) continue;
        CAPTURE(std::string(c.sql));
        session->begin();
        session->query("SET LOCAL search_path = public");
        session->query(c.sql);
        session->query("SET LOCAL search_path = pg_catalog");
        const std::vector<std::string> found = differing(before, digests(*session));
        session->rollback();
        CHECK(text(found) == text(c.expected));
      }
    }
  }

  TEST_CASE(
      "a snapshot carries the digests that the query gives, and another database with the same schema has them too") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      const pg::Snapshot snapshot = snapshot_of(database);
      Digests in_snapshot;
      for (const char* name : {"users", "lonely", "events"}) {
        for (const auto& [object, digest] : snapshot.table({"public", name})->fingerprint) {
          in_snapshot[std::string(name) + " / " + object] = digest;
        }
      }
      for (const auto& [object, digest] : snapshot.table({"Other", "Orders"})->fingerprint) {
        in_snapshot["\"Other\".\"Orders\" / " + object] = digest;
      }
      CHECK(in_snapshot == digests(*session_of(database)));
      CHECK(differing(in_snapshot, digests(*session_of(database.clone()))) == std::vector<std::string>{});
    }
  }
}

}  // namespace falsework
