#include "tests/support/client.h"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "tests/support/server.h"
#include "tests/support/wait.h"

using falsework::test::Client;
using falsework::test::Row;
using falsework::test::Rows;
using falsework::test::Server;
using falsework::test::SqlFailure;
using falsework::test::TestDatabase;
using falsework::test::wait_until;

TEST_SUITE_BEGIN("tests/support/client");

TEST_CASE("null, empty and text are told apart, in results and in parameters") {
  const TestDatabase db(Server::any());
  Client client = db.connect();
  CHECK(client.query("SELECT $1::text, $2::text, $3::text", {"a", "", std::nullopt}) ==
        Rows{Row{"a", "", std::nullopt}});
  CHECK(client.exec("SELECT 1; SELECT 2, null") == Rows{Row{"2", std::nullopt}});
  CHECK(client.exec("SELECT 1 WHERE false").empty());
}

TEST_CASE("a failure carries its SQLSTATE and leaves the connection usable") {
  const TestDatabase db(Server::any());
  Client client = db.connect();
  CHECK(client.sqlstate_of("SELECT 1/0") == "22012");
  CHECK(client.sqlstate_of("SELECT 1").empty());
  CHECK_THROWS_AS(client.query("SELECT nonsense"), SqlFailure);
  CHECK_THROWS_AS(client.value("SELECT 1 WHERE false"), std::logic_error);
  CHECK_THROWS_AS(client.value("SELECT null"), std::logic_error);
  CHECK(client.value("SELECT 3") == "3");
}

TEST_CASE("COPY loads rows and reports the row that it cannot load") {
  const TestDatabase db(Server::any());
  Client client = db.connect();
  client.exec("CREATE TABLE t (id int, name text)");
  client.copy_in("COPY t FROM STDIN", "1\ta\n2\t\\N\n");
  CHECK(client.query("SELECT id, name FROM t ORDER BY id") == Rows{Row{"1", "a"}, Row{"2", std::nullopt}});
  CHECK_THROWS_AS(client.copy_in("COPY t FROM STDIN", "x\ta\n"), SqlFailure);
  CHECK_THROWS_AS(client.exec("COPY t FROM STDIN"), SqlFailure);
  CHECK(client.value("SELECT count(*) FROM t") == "2");
}

TEST_CASE("a statement that waits for a lock is seen as busy and can be cancelled") {
  const TestDatabase db(Server::any());
  db.exec("CREATE TABLE t (id int)");
  Client holder = db.connect();
  Client waiter = db.connect();
  holder.exec("BEGIN; LOCK TABLE t");
  waiter.send("SELECT * FROM t");
  REQUIRE(wait_until([&] {
    return holder.value("SELECT count(*) FROM pg_locks WHERE pid = $1 AND NOT granted",
                        {std::to_string(waiter.pid())}) == "1";
  }));
  CHECK(waiter.busy());
  waiter.cancel();
  CHECK(wait_until([&] { return !waiter.busy(); }));
  try {
    waiter.receive();
    FAIL("the cancelled statement returned");
  } catch (const SqlFailure& failure) {
    CHECK(failure.sqlstate() == "57014");
  }
}

TEST_CASE("notices are kept until they are taken") {
  const TestDatabase db(Server::any());
  Client client = db.connect();
  Client moved = std::move(client);
  moved.exec("DO $$ BEGIN RAISE NOTICE 'heard'; END $$");
  CHECK(moved.take_notices() == std::vector<std::string>{"heard"});
  CHECK(moved.take_notices().empty());
}

TEST_SUITE_END();
