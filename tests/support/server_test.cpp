#include "tests/support/server.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "tests/support/process.h"
#include "tests/support/wait.h"

using falsework::test::Client;
using falsework::test::Process;
using falsework::test::ProcessOptions;
using falsework::test::Server;
using falsework::test::SqlFailure;
using falsework::test::TestDatabase;
using falsework::test::wait_until;

TEST_SUITE_BEGIN("tests/support/server");

TEST_CASE("every version starts and is the version that it is taken for") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    Client client(Server::of(major).superuser_url());
    CHECK(std::stoi(client.value("SHOW server_version_num")) / 10000 == major);
    CHECK(client.value("SHOW wal_level") == "logical");
    CHECK(client.value("SHOW max_prepared_transactions") == "10");
    CHECK(client.value("SHOW listen_addresses").empty());
    CHECK(client.value("SHOW server_encoding") == "UTF8");
    CHECK(client.value("SHOW deadlock_timeout") == "1s");
  }
}

TEST_CASE("a test database belongs to a role that is no superuser and owns schema public") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase db(Server::of(major));
    Client client = db.connect();
    CHECK(client.value("SELECT current_user::text") == db.role());
    CHECK(client.value("SELECT current_database()::text") == db.name());
    CHECK(client.value("SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user") == "false");
    CHECK(client.sqlstate_of("CREATE TABLE public.t (id int PRIMARY KEY)").empty());
    CHECK(client.sqlstate_of("CREATE SCHEMA own").empty());
    CHECK(client.sqlstate_of("CREATE ROLE fw_other") == "42501");
  }
}

TEST_CASE("a database and its roles are gone after its scope, prepared transactions and slots included") {
  Server& server = Server::any();
  std::string name;
  std::string role;
  std::string other;
  {
    TestDatabase db(server);
    name = db.name();
    role = db.role();
    other = db.add_role("reader");
    Client client = db.connect();
    client.exec("CREATE TABLE t (id int); GRANT SELECT ON t TO \"" + other + "\"");
    // In this order: a new slot waits for the transactions that are open.
    db.connect_as_superuser().exec("SELECT pg_create_logical_replication_slot('left', 'pgoutput')");
    client.exec("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'");
    CHECK(Client(db.url_as(other)).value("SELECT count(*) FROM t") == "0");
  }
  Client superuser(server.superuser_url());
  CHECK(superuser.value("SELECT count(*) FROM pg_database WHERE datname = $1", {name}) == "0");
  CHECK(superuser.value("SELECT count(*) FROM pg_roles WHERE rolname IN ($1, $2)", {role, other}) == "0");
}

TEST_CASE("a clone holds what the original held and goes its own way, whichever is dropped first") {
  Server& server = Server::any();
  auto original = std::make_unique<TestDatabase>(server);
  original->exec("CREATE TABLE t AS SELECT 1 AS id");
  const TestDatabase clone = original->clone();
  CHECK(clone.role() == original->role());
  original->exec("INSERT INTO t VALUES (2)");
  CHECK(clone.connect().value("SELECT count(*) FROM t") == "1");
  original.reset();
  CHECK(clone.connect().sqlstate_of("INSERT INTO t VALUES (3)").empty());
}

TEST_CASE("a crash loses no committed row and breaks every connection") {
  Server& server = Server::any();
  const TestDatabase db(server);
  Client client = db.connect();
  client.exec("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
  const pid_t before = server.postmaster_pid();
  server.restart_immediately();
  CHECK(server.postmaster_pid() != before);
  CHECK(client.sqlstate_of("SELECT 1") != "");
  CHECK(db.connect().value("SELECT count(*) FROM t") == "1");
}

TEST_CASE("a stopped server refuses connections until it is started again") {
  Server& server = Server::any();
  const TestDatabase db(server);
  server.stop();
  CHECK_THROWS_AS(db.connect(), SqlFailure);
  CHECK_THROWS_AS(server.postmaster_pid(), std::runtime_error);
  server.start();
  CHECK(db.connect().value("SELECT 1") == "1");
  CHECK(server.log().find("database system is ready") != std::string::npos);
}

TEST_CASE("the servers and temporary files of a process that is killed are removed") {
  // The child is this program, running the hidden case below, which says where its server is and then waits.
  ProcessOptions options;
  options.environment["FALSEWORK_TEST_HANG"] = "1";
  Process child({"/proc/self/exe", "--test-case=hidden: start a server and hang", "--no-skip"}, options);
  std::string line;
  REQUIRE(wait_until(
      [&] {
        line = child.out();
        return line.find("\n:end:") != std::string::npos;
      },
      std::chrono::seconds(60)));
  const std::size_t begin = line.find(":begin:\n") + 8;
  const std::filesystem::path directory = line.substr(begin, line.find('\n', begin) - begin);
  const pid_t postmaster = std::stoi(line.substr(line.find('\n', begin) + 1));
  REQUIRE(std::filesystem::exists(directory / "data"));
  REQUIRE(kill(postmaster, 0) == 0);

  const std::size_t mark = line.find(":temporary: ") + 12;
  const std::filesystem::path temporary = line.substr(mark, line.find('\n', mark) - mark);
  REQUIRE(std::filesystem::exists(temporary));

  child.signal(SIGKILL);
  CHECK(child.wait().status == 128 + SIGKILL);

  CHECK(wait_until([&] { return !std::filesystem::exists(directory); }));
  CHECK(wait_until([&] { return !std::filesystem::exists(temporary); }));
  CHECK(wait_until([&] { return kill(postmaster, 0) != 0 && errno == ESRCH; }));
}

TEST_CASE("hidden: start a server and hang" * doctest::skip()) {
  if (std::getenv("FALSEWORK_TEST_HANG") == nullptr) return;
  const Server& server = Server::any();
  const falsework::test::TemporaryDirectory temporary;
  printf(":begin:\n%s\n%d\n:temporary: %s\n:end:\n", server.socket_directory().c_str(), server.postmaster_pid(),
         temporary.path().c_str());
  fflush(stdout);
  std::this_thread::sleep_for(std::chrono::minutes(5));
}

TEST_SUITE_END();
