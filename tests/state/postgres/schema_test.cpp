#include "state/postgres/schema.h"

#include <algorithm>
#include <thread>

#include "tests/state/postgres/engine.h"

namespace falsework {

TEST_SUITE_BEGIN("state/postgres/schema");

using test::Engine;
using test::failure_of;
using test::journal_run;
using test::Server;
using test::TestDatabase;

TEST_CASE("a journal is installed once, by a role that is no superuser, on every version") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Engine engine(database.url());
    CHECK(engine.journal.incarnation() == std::nullopt);
    engine.journal.install();
    const auto incarnation = engine.journal.incarnation();
    REQUIRE(incarnation);
    CHECK(incarnation->size() == 36);
    engine.journal.install();
    CHECK(engine.journal.incarnation() == incarnation);
    CHECK(engine.journal.runs().empty());
  }
}

TEST_CASE("a journal that was removed and installed again is another incarnation") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  const auto first = engine.journal.incarnation();
  CHECK(engine.journal.uninstall_if_empty());
  CHECK(engine.journal.incarnation() == std::nullopt);
  CHECK_FALSE(engine.journal.uninstall_if_empty());
  engine.journal.install();
  CHECK(engine.journal.incarnation() != first);
}

TEST_CASE("nobody but the owner has any right in the journal, whatever default privileges say") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    TestDatabase database(Server::of(major));
    const std::string application = database.add_role("app");
    database.exec("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC");
    database.exec("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO \"" + application + "\"");
    database.exec("ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO \"" + application + "\"");
    database.exec("ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO \"" + application + "\"");
    Engine engine(database.url());
    engine.journal.install();

    auto superuser = database.connect_as_superuser();
    CHECK(superuser.value("SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a "
                          "WHERE c.relnamespace = 'falsework'::regnamespace AND a.grantee <> c.relowner") == "0");
    CHECK(superuser.value("SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) a "
                          "WHERE n.nspname = 'falsework' AND a.grantee <> n.nspowner") == "0");
    test::Client client(database.url_as(application));
    CHECK(client.sqlstate_of("SELECT * FROM falsework.run") == "42501");
    CHECK(client.sqlstate_of("UPDATE falsework.journal SET state = 'done'") == "42501");
    database.exec("ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC");
  }
}

TEST_CASE("the history can be added to and not changed, even by the owner") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  auto owner = database.connect();
  CHECK(owner.sqlstate_of("UPDATE falsework.history SET detail = 'x'") == "42501");
  CHECK(owner.sqlstate_of("DELETE FROM falsework.history") == "42501");
  CHECK(owner.sqlstate_of("TRUNCATE falsework.history") == "42501");
}

TEST_CASE("a role that may not create a schema is told the GRANT that it needs") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    TestDatabase database(Server::of(major));
    const std::string role = database.add_role("Weak-role");
    Engine engine(database.url_as(role));
    const auto failure = failure_of([&] { engine.journal.install(); });
    CHECK(failure.code == "privilege.missing");
    CHECK(failure.message == "role " + role + " may not create schema falsework in database " + database.name());
    CHECK(failure.hint ==
          "Let the owner of the database run: GRANT CREATE ON DATABASE " + database.name() + " TO \"" + role + "\";");
    CHECK_FALSE(engine.session->in_transaction());

    database.exec("GRANT CREATE ON DATABASE \"" + database.name() + "\" TO \"" + role + "\"");
    engine.journal.install();
    CHECK(engine.journal.incarnation());
  }
}

TEST_CASE("a schema that was created for the role beforehand is taken") {
  TestDatabase database(Server::any());
  const std::string role = database.add_role("engine");
  database.connect_as_superuser().exec("CREATE SCHEMA falsework AUTHORIZATION \"" + role + "\"");
  Engine engine(database.url_as(role));
  engine.journal.install();
  CHECK(engine.journal.incarnation());
}

TEST_CASE("a role outside the owner of the journal is told the GRANT that it needs") {
  TestDatabase database(Server::any());
  const std::string role = database.add_role("other");
  Engine(database.url()).journal.install();
  Engine engine(database.url_as(role));
  for (const auto& failure :
       {failure_of([&] { engine.journal.install(); }), failure_of([&] { engine.journal.incarnation(); })}) {
    CHECK(failure.code == "privilege.missing");
    CHECK(failure.message == "role " + role + " may not use the journal in database " + database.name() +
                                 ": schema falsework belongs to " + database.role());
    CHECK(failure.hint == "Let a superuser or that role run: GRANT " + database.role() + " TO " + role + ";");
  }
  database.connect_as_superuser().exec("GRANT \"" + database.role() + "\" TO \"" + role + "\"");
  CHECK(engine.journal.incarnation());
  engine.journal.create_run(journal_run("a-1"));
  CHECK(engine.fence("a-1") == 1);
}

TEST_CASE("a schema of that name that is somebody else's is refused and left alone") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  SUBCASE("other tables") { database.exec("CREATE SCHEMA falsework; CREATE TABLE falsework.bridge (id int)"); }
  SUBCASE("a function") {
    database.exec("CREATE SCHEMA falsework; CREATE FUNCTION falsework.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  }
  SUBCASE("a table named as ours") { database.exec("CREATE SCHEMA falsework; CREATE TABLE falsework.meta (id int)"); }
  SUBCASE("our table, without its row") {
    engine.journal.install();
    database.exec("DELETE FROM falsework.meta");
  }
  const auto failure = failure_of([&] { engine.journal.install(); });
  CHECK(failure.code == "object.foreign");
  CHECK(failure.message == "schema falsework exists in database " + database.name() + " and is not a journal");
  CHECK(failure.hint == "Rename that schema: Falsework keeps its journal in a schema of this name.");
}

TEST_CASE("a journal of a newer version is refused and names both versions") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  database.exec("UPDATE falsework.meta SET format_version = 2");
  const auto failure = failure_of([&] { engine.journal.incarnation(); });
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the journal in database " + database.name() +
                               " was written by a newer version: its format is 2, this program knows 1");
  CHECK(failure.hint == "Use the newer version of Falsework that wrote it.");
}

TEST_CASE("engines that install at the same time share one journal") {
  for (int round = 0; round < 5; ++round) {
    const TestDatabase database(Server::any());
    std::vector<std::string> incarnations(4);
    {
      std::vector<std::jthread> engines;
      for (std::string& incarnation : incarnations) {
        engines.emplace_back([&incarnation, url = database.url()] {
          try {
            Engine engine(url);
            engine.journal.install();
            incarnation = engine.journal.incarnation().value_or("none");
          } catch (const Error& error) {
            incarnation = error.what();
          }
        });
      }
    }
    CHECK(incarnations[0].size() == 36);
    CHECK(std::count(incarnations.begin(), incarnations.end(), incarnations[0]) == 4);
  }
}

TEST_CASE("a journal with an active run stays, and goes once the run is finished") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  engine.journal.create_run(journal_run("a-1"));
  CHECK_FALSE(engine.journal.uninstall_if_empty());
  CHECK(engine.journal.find_run("a-1"));
  engine.journal.finish_run("a-1", "rolled_back");
  CHECK(engine.journal.uninstall_if_empty());
  CHECK(database.connect().value("SELECT count(*) FROM pg_namespace WHERE nspname = 'falsework'") == "0");
}

TEST_CASE("what others put into the journal's schema keeps it from being dropped") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  database.exec("CREATE TABLE falsework.notes (t text)");
  const auto failure = failure_of([&] { engine.journal.uninstall_if_empty(); });
  CHECK(failure.code == "object.foreign");
  CHECK(failure.message ==
        "schema falsework in database " + database.name() + " holds objects that are not the journal's");
  CHECK(engine.journal.incarnation());
}

TEST_CASE("tables of the same names elsewhere are not taken for the journal's") {
  const TestDatabase database(Server::any());
  database.exec("CREATE SCHEMA trap; CREATE TABLE trap.meta (one int); CREATE TABLE trap.run (run text)");
  Engine engine(database.url());
  engine.session->query("SET search_path = pg_catalog, trap");
  engine.journal.install();
  engine.journal.create_run(journal_run("a-1"));
  CHECK(engine.journal.find_run("a-1"));
}

TEST_SUITE_END();

}  // namespace falsework
