// The oracle judges everything else, so it is judged here: it sees each of many planted differences, and none without
// one.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/oracle/catalog_oracle.h"
#include "tests/oracle/zoo.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

using falsework::test::build_zoo;
using falsework::test::catalog_rows;
using falsework::test::Client;
using falsework::test::row_differences;
using falsework::test::run_process;
using falsework::test::Server;
using falsework::test::table_rows;
using falsework::test::TestDatabase;
using falsework::test::ZooRoles;

namespace {

struct Plant {
  const char* sql;      // :owner and :reader stand for roles
  int since = 14;       // the first version that knows the statement
  bool dumped = false;  // pg_dump shows it too
};

// Run by a superuser in a transaction that is rolled back.
const std::vector<Plant> kPlants = {
    {"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'users_score'::regclass"},
    {"UPDATE pg_index SET indisready = false WHERE indexrelid = 'users_score'::regclass"},
    {"UPDATE pg_index SET indislive = false WHERE indexrelid = 'users_score'::regclass"},
    {"CREATE INDEX extra ON users (nick)", 14, true},
    {"DROP INDEX users_score", 14, true},
    {"ALTER INDEX users_lower RENAME TO users_other", 14, true},
    {"ALTER INDEX users_lower ALTER COLUMN 1 SET STATISTICS 78", 14, true},
    {"ALTER INDEX users_score SET (fillfactor = 70)", 14, true},
    {"ALTER TABLE users CLUSTER ON users_score", 14, true},
    {"ALTER TABLE users REPLICA IDENTITY USING INDEX users_pkey", 14, true},
    {"ALTER TABLE lonely ADD COLUMN more int", 14, true},
    {"ALTER TABLE lonely DROP COLUMN note CASCADE", 14, true},
    {"ALTER TABLE lonely RENAME COLUMN id TO ident", 14, true},
    {"ALTER TABLE items ALTER amount TYPE numeric(11, 2)", 14, true},
    {"ALTER TABLE items ALTER amount SET NOT NULL", 14, true},
    {"ALTER TABLE items ALTER amount SET DEFAULT 1", 14, true},
    {"ALTER TABLE items ALTER amount SET STORAGE PLAIN", 14, true},
    {"ALTER TABLE items ALTER amount SET STATISTICS 7", 14, true},
    {"ALTER TABLE items ALTER amount SET (n_distinct = 3)", 14, true},
    {"ALTER TABLE lonely ALTER note SET COMPRESSION pglz", 14, true},
    {"ALTER TABLE events ALTER v TYPE text COLLATE \"C\"", 14, true},
    {"ALTER TABLE users ALTER id SET GENERATED ALWAYS", 14, true},
    {"ALTER TABLE users ALTER id DROP IDENTITY", 14, true},
    {"ALTER TABLE users ALTER twice DROP EXPRESSION", 14, true},
    {"GRANT SELECT (score) ON users TO :reader", 14, true},
    {"REVOKE SELECT (email) ON users FROM :reader", 14, true},
    {"GRANT SELECT ON items TO :reader", 14, true},
    {"DO 'BEGIN GRANT SELECT ON items TO PUBLIC; REVOKE SELECT ON items FROM PUBLIC; END'"},
    {"ALTER TABLE users RENAME CONSTRAINT score_positive TO score_above", 14, true},
    {"ALTER TABLE items ADD CHECK (amount > 0) NOT VALID", 14, true},
    {"ALTER TABLE items ADD FOREIGN KEY (order_id) REFERENCES \"Other\".\"Orders\" NOT VALID", 14, true},
    {"UPDATE pg_constraint SET convalidated = false WHERE conname = 'score_positive'"},
    {"ALTER TABLE \"Other\".\"Orders\" ALTER CONSTRAINT orders_user DEFERRABLE INITIALLY DEFERRED", 14, true},
    {"ALTER TABLE users DROP CONSTRAINT users_email_score", 14, true},
    {"ALTER TABLE items ALTER CONSTRAINT items_order_id_fkey NOT ENFORCED", 18},
    {"ALTER TABLE items ADD CONSTRAINT filled NOT NULL amount NOT VALID", 18},
    {"ALTER TABLE users ENABLE REPLICA TRIGGER users_touch", 14, true},
    {"ALTER TABLE items DISABLE TRIGGER ALL"},
    {"DROP TRIGGER users_touch ON users", 14, true},
    {"CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'", 14, true},
    {"ALTER FUNCTION touch() SECURITY DEFINER", 14, true},
    {"ALTER FUNCTION touch() SET search_path = public", 14, true},
    {"ALTER FUNCTION touch() OWNER TO :reader", 14, true},
    {"REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC", 14, true},
    {"CREATE OR REPLACE VIEW addresses AS SELECT id, email FROM users", 14, true},
    {"CREATE OR REPLACE VIEW domains AS SELECT split_part(email, '@', 1) AS domain FROM addresses", 14, true},
    {"CREATE OR REPLACE VIEW domains AS SELECT split_part(email, '@', 2) AS domain, id FROM addresses", 14, true},
    {"ALTER VIEW addresses ALTER COLUMN id DROP DEFAULT", 14, true},
    {"ALTER VIEW addresses OWNER TO :reader", 14, true},
    {"REVOKE GRANT OPTION FOR SELECT ON addresses FROM :reader", 14, true},
    {"COMMENT ON COLUMN addresses.email IS 'other'", 14, true},
    {"ALTER TABLE lonely DISABLE RULE lonely_gone", 14, true},
    {"ALTER POLICY own_row ON users USING (true)", 14, true},
    {"ALTER POLICY own_row ON users TO :reader", 14, true},
    {"ALTER TABLE users FORCE ROW LEVEL SECURITY", 14, true},
    {"ALTER TABLE users DISABLE ROW LEVEL SECURITY", 14, true},
    {"ALTER SEQUENCE alone INCREMENT 3", 14, true},
    {"ALTER SEQUENCE users_ticket_seq OWNED BY NONE", 14, true},
    {"ALTER SEQUENCE further OWNED BY users.id", 14, true},
    {"ALTER SEQUENCE users_ticket_seq AS smallint", 14, true},
    {"ALTER PUBLICATION news DROP TABLE items", 14, true},
    {"ALTER PUBLICATION news SET (publish = 'insert')", 14, true},
    {"ALTER PUBLICATION news SET TABLE lonely (note), items", 15, true},
    {"ALTER PUBLICATION news SET TABLE lonely WHERE (id > 3), items", 15, true},
    {"ALTER STATISTICS users_pairs SET STATISTICS 9", 14, true},
    {"DROP STATISTICS users_pairs", 14, true},
    {"ALTER TABLE events DETACH PARTITION events_1", 14, true},
    {"ALTER TABLE derived_table NO INHERIT base_table", 14, true},
    {"ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", 14, true},
    {"ALTER DOMAIN short DROP CONSTRAINT short_filled", 14, true},
    {"ALTER DOMAIN plain SET DEFAULT 'x'", 14, true},
    {"ALTER TYPE pair ADD ATTRIBUTE c int", 14, true},
    {"ALTER DEFAULT PRIVILEGES FOR ROLE :owner IN SCHEMA \"Other\" REVOKE SELECT ON TABLES FROM :reader"},
    {"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO :reader", 14, true},
    {"CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch()", 14, true},
    {"ALTER SCHEMA \"Other\" OWNER TO :reader", 14, true},
    {"GRANT USAGE ON SCHEMA \"Other\" TO :reader", 14, true},
    {"ALTER TABLE items OWNER TO :reader", 14, true},
    {"ALTER TABLE holder SET UNLOGGED", 14, true},
    {"ALTER TABLE items SET (autovacuum_enabled = false)", 14, true},
    {"ALTER TABLE lonely SET (toast.autovacuum_enabled = false)", 14, true},
    {"COMMENT ON TABLE users IS 'folks'", 14, true},
    {"COMMENT ON COLUMN users.email IS NULL", 14, true},
    {"COMMENT ON INDEX users_lower IS NULL", 14, true},
    {"COMMENT ON CONSTRAINT score_positive ON users IS NULL", 14, true},
    {"COMMENT ON SCHEMA public IS 'ours'", 14, true},
    {"CREATE TABLE another (id int)", 14, true},
    {"ALTER TABLE lonely RENAME TO lonelier", 14, true},
    {"ALTER TABLE lonely SET SCHEMA \"Other\"", 14, true},
};

std::string for_roles(std::string sql, const std::string& owner, const std::string& reader) {
  for (const auto& [mark, role] : {std::pair{std::string(":owner"), owner}, {std::string(":reader"), reader}}) {
    if (const std::size_t at = sql.find(mark); at != std::string::npos) sql.replace(at, mark.size(), role);
  }
  return sql;
}

std::string differences(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::string text;
  for (const std::string& row : row_differences(before, after)) text += row + "\n";
  return text;
}

std::string dump(const Server& server, const TestDatabase& database) {
  const auto result =
      run_process({server.program("pg_dump").string(), "-s", "--restrict-key=x", "-d", database.superuser_url()});
  REQUIRE_MESSAGE(result.status == 0, result.err);
  return result.out;
}

}  // namespace

TEST_SUITE("oracle/catalog_oracle") {
  TEST_CASE("the catalog oracle sees each planted difference, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      const ZooRoles roles = build_zoo(database);
      Client client = database.connect_as_superuser();
      const std::vector<std::string> before = catalog_rows(client);
      int planted = 0;
      for (const Plant& plant : kPlants) {
        if (plant.since > major) continue;
        const std::string sql = for_roles(plant.sql, database.role(), roles.reader);
        CAPTURE(sql);
        client.exec("BEGIN");
        client.exec(sql);
        const std::vector<std::string> after = catalog_rows(client);
        client.exec("ROLLBACK");
        CHECK(before != after);
        ++planted;
      }
      CHECK(planted >= 40);
      CHECK(differences(before, catalog_rows(client)) == "");
    }
  }

  TEST_CASE("the catalog oracle sees no difference where there is none to see, on every version") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      TestDatabase database(Server::of(major));
      build_zoo(database);
      Client client = database.connect_as_superuser();
      const std::vector<std::string> before = catalog_rows(client);
      REQUIRE(before.size() > 150);
      CHECK(before == catalog_rows(client));
      for (const char* sql : {
               "INSERT INTO users (email) SELECT i FROM generate_series(1, 1000) i; ANALYZE users",
               "VACUUM FULL users",
               "REINDEX TABLE users",
               "ALTER TABLE lonely ADD COLUMN passing text; ALTER TABLE lonely DROP COLUMN passing",
               "CREATE SCHEMA falsework; CREATE TABLE falsework.journal (run text PRIMARY KEY, note text)",
               "COMMENT ON TABLE falsework.journal IS 'ours'",
               "CREATE TABLE passing (id int PRIMARY KEY REFERENCES users); DROP TABLE passing",
               "SELECT nextval('alone')",
               "CREATE TEMP TABLE passing (id int)",
           }) {
        CAPTURE(std::string(sql));
        client.exec(sql);
        CHECK(differences(before, catalog_rows(client)) == "");
      }
      // Another database with the same catalog, but other OIDs and attribute numbers.
      const TestDatabase copy = [&] {
        client.close();
        return database.clone();
      }();
      Client other = copy.connect_as_superuser();
      other.exec(
          "DROP TABLE event_notes; CREATE TABLE event_notes (passing int, k int REFERENCES events);"
          "ALTER TABLE event_notes OWNER TO " +
          database.role() + "; ALTER TABLE event_notes DROP COLUMN passing");
      CHECK(differences(before, catalog_rows(other)) == "");
    }
  }

  TEST_CASE("the order of a table's columns counts unless it is to be ignored") {
    for (const int major : Server::majors()) {
      CAPTURE(major);
      const TestDatabase database(Server::of(major));
      Client client = database.connect();
      client.exec(
          "CREATE TABLE t (a int, b text); CREATE INDEX t_a ON t (a); INSERT INTO t VALUES (1, 'x'), (2, NULL)");
      const auto with_order = catalog_rows(client);
      const auto without_order = catalog_rows(client, {.ignore_column_order = true});
      const auto data = table_rows(client, "public.t");
      client.exec(
          "DROP TABLE t; CREATE TABLE t (b text, a int); CREATE INDEX t_a ON t (a);"
          "INSERT INTO t VALUES (NULL, 2), ('x', 1)");
      CHECK(with_order != catalog_rows(client));
      CHECK(differences(without_order, catalog_rows(client, {.ignore_column_order = true})) == "");
      CHECK(data == table_rows(client, "public.t"));
      CHECK(data == std::vector<std::string>{"a='1', b='x'", "a='2', b=NULL"});
      client.exec("UPDATE t SET b = '' WHERE b IS NULL");
      CHECK(row_differences(data, table_rows(client, "public.t")) ==
            std::vector<std::string>{"- a='2', b=NULL", "+ a='2', b=''"});
    }
  }

  TEST_CASE("pg_dump sees a difference in the same statements, where it can see one at all") {
    Server& server = Server::any();
    if (!std::filesystem::exists(server.program("pg_dump"))) return;
    TestDatabase database(server);
    const ZooRoles roles = build_zoo(database);
    const std::string before = dump(server, database);
    CHECK(before == dump(server, database));
    int planted = 0;
    for (const Plant& plant : kPlants) {
      if (!plant.dumped || plant.since > server.major() || planted == 20) continue;
      const std::string sql = for_roles(plant.sql, database.role(), roles.reader);
      CAPTURE(sql);
      const TestDatabase copy = database.clone();
      copy.connect_as_superuser().exec(sql);
      CHECK(before != dump(server, copy));
      ++planted;
    }
    CHECK(planted >= 15);
  }
}
