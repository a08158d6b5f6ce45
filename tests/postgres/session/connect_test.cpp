#include <doctest/doctest.h>

#include <fstream>

#include "base/error_kinds.h"
#include "postgres/session/session.h"
#include "tests/postgres/session/environment.h"
#include "tests/postgres/session/proxy.h"
#include "tests/support/server.h"

using falsework::Error;
using falsework::pg::connect;
using falsework::pg::ConnectionSettings;
using falsework::pg::DatabaseIdentity;
using falsework::pg::identify;
using falsework::test::Environment;
using falsework::test::Fault;
using falsework::test::Proxy;
using falsework::test::Server;
using falsework::test::TemporaryDirectory;
using falsework::test::TestDatabase;

namespace {

struct Refusal {
  std::string code;
  std::string message;
  std::string hint;
};

Refusal refusal_of(const std::string& conninfo) {
  ConnectionSettings settings;
  settings.conninfo = conninfo;
  try {
    connect(settings);
  } catch (const Error& error) {
    return {std::string(error.code()), error.what(), error.hint()};
  }
  return {};
}

}  // namespace

TEST_SUITE_BEGIN("postgres/session/connect");

TEST_CASE("a server that cannot be reached is named, with the reason and what to do") {
  const TemporaryDirectory nowhere;
  const Refusal refusal = refusal_of("host=" + nowhere.path().string() + " port=5999 user=u dbname=d");
  CHECK(refusal.code == "database.unreachable");
  CHECK(refusal.message == "cannot connect to u@" + nowhere.path().string() + ":5999/d: No such file or directory");
  CHECK(refusal.hint == "Check that the server runs there and accepts connections.");
}

TEST_CASE("a database or a role that does not exist is an unreachable database") {
  const TestDatabase database(Server::any());
  const Refusal no_database = refusal_of(database.server().url("no_such_db", database.role()));
  CHECK(no_database.code == "database.unreachable");
  CHECK(no_database.message.find("database \"no_such_db\" does not exist") != std::string::npos);
  CHECK(no_database.hint == "Check the names of the database and the role.");
  CHECK(refusal_of(database.url_as("no_such_role")).code == "database.unreachable");
}

TEST_CASE("where no server is named, it is said where one was looked for") {
  const TemporaryDirectory nowhere;
  const Environment host("PGHOST", "");
  const Refusal refusal = refusal_of("port=5999 user=u dbname=d");
  CHECK(refusal.code == "database.unreachable");
  CHECK(refusal.message.find("cannot connect to u@local:5999/d through /") == 0);
  CHECK(refusal.message.find("/.s.PGSQL.5999: No such file or directory") != std::string::npos);
  CHECK(refusal.hint ==
        "No server is named. Name one with -d or DATABASE_URL, or check that one runs on this machine.");
}

TEST_CASE("a service that no file defines is a mistake of the caller's, not an unreachable database") {
  const TemporaryDirectory directory;
  const auto file = directory.path() / "services";
  std::ofstream(file) << "[shop]\nhost=/nowhere\n";
  const Environment services("PGSERVICEFILE", file.string());
  const Refusal refusal = refusal_of("service=other user=u dbname=d");
  CHECK(refusal.code == "usage");
  CHECK(refusal.message.find("definition of service \"other\" not found") != std::string::npos);
  CHECK(refusal.hint == "Look into the service file: PGSERVICEFILE, or .pg_service.conf in the home directory.");
  CHECK(refusal_of("service=shop user=u dbname=d").code == "database.unreachable");
}

TEST_CASE("no password is in the refusal of any connection") {
  const TestDatabase database(Server::any());
  const TemporaryDirectory nowhere;
  const Environment password("PGPASSWORD", "canary");
  const std::string host = database.server().socket_directory().string();
  const std::string port = std::to_string(database.server().port());
  for (const std::string& given :
       std::vector<std::string>{"host=" + nowhere.path().string() + " password=canary user=u dbname=d",
                                "postgresql://u:canary@localhost:1/d",
                                "host=" + host + " port=" + port + " password=canary user=nobody_here dbname=d",
                                "host=canary user=u dbname=d connect_timeout=2", "postgresql://u:canary@x@h/d"}) {
    CAPTURE(given);
    const Refusal refusal = refusal_of(given);
    CHECK_FALSE(refusal.code.empty());
    CHECK((refusal.message + refusal.hint).find("canary") == std::string::npos);
  }
}

TEST_CASE("a server outside 14 to 18, or of 14 before 14.4, is refused") {
  const TestDatabase database(Server::any());
  const Proxy thirteen(database, Fault::kIsThirteen);
  const Refusal too_old = refusal_of(thirteen.url());
  CHECK(too_old.code == "server.unsupported");
  CHECK(too_old.message == "the server is PostgreSQL 13; Falsework works with 14 to 18");

  const Proxy fourteen(database, Fault::kIsFourteenTwo);
  const Refusal unsound = refusal_of(fourteen.url());
  CHECK(unsound.code == "server.unsupported");
  CHECK(unsound.message == "the server is PostgreSQL 14.2, whose concurrent index builds can miss rows");
}

TEST_CASE("an empty connection string is libpq's own environment") {
  const TestDatabase database(Server::any());
  const Environment host("PGHOST", database.server().socket_directory().string());
  const Environment port("PGPORT", std::to_string(database.server().port()));
  const Environment user("PGUSER", database.role());
  const Environment name("PGDATABASE", database.name());
  const auto session = connect({});
  CHECK(session->query("SELECT pg_catalog.current_database()").text(0, 0) == database.name());
}

TEST_CASE("every supported version is connected to and says who it is") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    ConnectionSettings settings;
    settings.conninfo = database.url();
    const auto session = connect(settings);
    CHECK(session->server_major() == major);
    const DatabaseIdentity identity = identify(*session);
    auto client = database.connect_as_superuser();
    CHECK(identity.database == database.name());
    CHECK(identity.database_oid ==
          client.value("SELECT oid::text FROM pg_database WHERE datname = current_database()"));
    CHECK(identity.user == database.role());
    CHECK_FALSE(identity.superuser);
    CHECK_FALSE(identity.in_recovery);
    CHECK(identity.system_identifier == client.value("SELECT system_identifier::text FROM pg_control_system()"));

    settings.conninfo = database.superuser_url();
    CHECK(identify(*connect(settings)).superuser);
  }
}

TEST_CASE("a role that may not read the cluster's identity gets none, and no error") {
  const TestDatabase database(Server::any());
  auto client = database.connect_as_superuser();
  client.exec("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
  ConnectionSettings settings;
  settings.conninfo = database.url();
  CHECK(identify(*connect(settings)).system_identifier.empty());
}

TEST_SUITE_END();
