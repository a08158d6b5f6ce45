#include "postgres/session/session.h"

#include <doctest/doctest.h>

#include <thread>

#include "base/error_kinds.h"
#include "tests/postgres/session/proxy.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"

using falsework::Error;
using falsework::pg::classify;
using falsework::pg::classify_sqlstate;
using falsework::pg::connect;
using falsework::pg::ConnectionLost;
using falsework::pg::ConnectionSettings;
using falsework::pg::Rows;
using falsework::pg::Session;
using falsework::pg::SqlClass;
using falsework::pg::SqlError;
using falsework::pg::Transaction;
using falsework::pg::Value;
using falsework::test::Client;
using falsework::test::Fault;
using falsework::test::Proxy;
using falsework::test::Server;
using falsework::test::TestDatabase;
using falsework::test::wait_until;

namespace {

std::unique_ptr<Session> open(const std::string& conninfo) {
  ConnectionSettings settings;
  settings.conninfo = conninfo;
  return connect(settings);
}

// Runs, and returns the refusal.
SqlError refusal_of(Session& session, const std::string& sql) {
  try {
    session.query(sql);
  } catch (const SqlError& error) {
    return error;
  }
  throw std::logic_error("not refused: " + sql);
}

enum class Loss { kNone, kCertain, kInDoubt };

template <typename Work>
Loss loss_of(Work work) {
  try {
    work();
  } catch (const ConnectionLost& lost) {
    return lost.in_doubt() ? Loss::kInDoubt : Loss::kCertain;
  }
  return Loss::kNone;
}

void terminate(const TestDatabase& database, int pid) {
  Client client = database.connect_as_superuser();
  client.exec("SELECT pg_terminate_backend(" + std::to_string(pid) + ")");
  REQUIRE(wait_until([&] {
    return client.value("SELECT count(*)::text FROM pg_stat_activity WHERE pid = " + std::to_string(pid)) == "0";
  }));
}

bool wait_for_sleep(const TestDatabase& database, int pid) {
  Client client = database.connect_as_superuser();
  return wait_until([&] {
    return client.value("SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = " +
                        std::to_string(pid)) == "1";
  });
}

std::string rows_in(const TestDatabase& database, const std::string& table) {
  return database.connect().value("SELECT count(*)::text FROM " + table);
}

}  // namespace

TEST_SUITE_BEGIN("postgres/session/session");

TEST_CASE("values come back as they were sent, NULL and the empty text apart") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  const std::string odd = "a\nb\t\\ 'q' \"d\" \xC3\xA9\xE2\x82\xAC $1 \x01";
  const Rows rows = session->query("SELECT $1::text AS \"Odd name\", $2::text AS n, $3::text AS e", {odd, {}, ""});
  CHECK(rows.columns == std::vector<std::string>{"Odd name", "n", "e"});
  REQUIRE(rows.size() == 1);
  CHECK(rows.rows[0] == std::vector<Value>{odd, std::nullopt, ""});
}

TEST_CASE("a value is read as text, number or boolean, and never NULL or another type by accident") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  const Rows rows = session->query("SELECT 'x', -9223372036854775808, true, NULL, false");
  CHECK(rows.text(0, 0) == "x");
  CHECK(rows.number(0, 1) == INT64_MIN);
  CHECK(rows.boolean(0, 2));
  CHECK_FALSE(rows.boolean(0, 4));
  CHECK_THROWS_AS(rows.text(0, 3), Error);
  CHECK_THROWS_AS(rows.text(0, 5), Error);
  CHECK_THROWS_AS(rows.text(1, 0), Error);
  CHECK_THROWS_AS(rows.number(0, 0), Error);
  CHECK_THROWS_AS(rows.boolean(0, 0), Error);
}

TEST_CASE("the number of affected rows is that of the command tag") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const auto session = open(database.url());
  CHECK(session->query("INSERT INTO public.t SELECT generate_series(1, 7)").affected == 7);
  CHECK(session->query("UPDATE public.t SET a = 0 WHERE a > 4").affected == 3);
  CHECK(session->query("CREATE TABLE public.u ()").affected == 0);
}

TEST_CASE("several statements in one text are refused, so that none shares an implied transaction") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  CHECK(refusal_of(*session, "CREATE TABLE public.a (); CREATE TABLE public.b ()").sqlstate() == "42601");
  CHECK(database.connect().value("SELECT to_regclass('public.a') IS NULL") == "t");
}

TEST_CASE("a parameter with a NUL byte is refused instead of cut") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  CHECK_THROWS_WITH_AS(session->query("SELECT $1::text", {std::string("a\0b", 3)}), "a parameter holds a NUL byte",
                       Error);
}

TEST_CASE("an error keeps SQLSTATE, message and detail apart, and values of rows out of the message") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (email text CONSTRAINT t_email UNIQUE)");
  const auto session = open(database.url());
  session->query("INSERT INTO public.t VALUES ('ann')");
  const SqlError unique = refusal_of(*session, "INSERT INTO public.t VALUES ('ann')");
  CHECK(unique.sqlstate() == "23505");
  CHECK(unique.what() == std::string("duplicate key value violates unique constraint \"t_email\""));
  CHECK(unique.detail() == "Key (email)=(ann) already exists.");
  CHECK(unique.code() == falsework::errors::kStepFailed.code);

  const SqlError cast = refusal_of(*session, "SELECT email::int FROM public.t");
  CHECK(cast.what() == std::string("invalid input syntax for type integer: \"…\""));
  CHECK(classify(cast) == SqlClass::kDataException);

  CHECK(refusal_of(*session, "SELECT * FROM pg_catalog.pg_authid").code() == falsework::errors::kPrivilegeMissing.code);
  CHECK(session->query("SELECT 1").number(0, 0) == 1);
}

TEST_CASE("a SQLSTATE means one thing") {
  struct Case {
    std::string_view sqlstate;
    SqlClass expected;
  };
  for (const Case& c : {Case{"55P03", SqlClass::kLockTimeout}, Case{"40P01", SqlClass::kDeadlock},
                        Case{"40001", SqlClass::kSerialization}, Case{"57014", SqlClass::kCanceled},
                        Case{"23505", SqlClass::kUniqueViolation}, Case{"23514", SqlClass::kCheckViolation},
                        Case{"23503", SqlClass::kForeignKeyViolation}, Case{"23502", SqlClass::kNotNullViolation},
                        Case{"42501", SqlClass::kInsufficientPrivilege}, Case{"22003", SqlClass::kDataException},
                        Case{"57P01", SqlClass::kAdminShutdown}, Case{"57P03", SqlClass::kAdminShutdown},
                        Case{"42P01", SqlClass::kOther}, Case{"", SqlClass::kOther}}) {
    CAPTURE(c.sqlstate);
    CHECK(classify_sqlstate(c.sqlstate) == c.expected);
  }
}

TEST_CASE("an error keeps its SQLSTATE whatever class of exception the package makes of it") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  for (const std::string sqlstate : {"40000", "40001", "40003", "40P01", "42501", "53100", "53300", "57P01", "55P03",
                                     "23505", "P0001", "0A000", "26000", "25P02"}) {
    CAPTURE(sqlstate);
    const SqlError error = refusal_of(*session, "DO $$BEGIN RAISE SQLSTATE '" + sqlstate + "'; END$$");
    CHECK(error.sqlstate() == sqlstate);
    CHECK(error.what() == sqlstate);
  }
  CHECK(refusal_of(*session, "DO $$BEGIN RAISE SQLSTATE '08006'; END$$").sqlstate() == "08000");
  CHECK(session->is_open());
}

TEST_CASE("a lock that is not had in time is a lock timeout") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t ()");
  Client holder = database.connect();
  holder.exec("BEGIN; LOCK TABLE t");
  const auto session = open(database.url());
  session->query("SET lock_timeout = '20ms'");
  const SqlError error = refusal_of(*session, "SELECT 1 FROM public.t");
  CHECK(classify(error) == SqlClass::kLockTimeout);
  CHECK(error.code() == falsework::errors::kLockBudget.code);
}

TEST_CASE("a transaction aborts unless it is committed") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const auto session = open(database.url());
  {
    const Transaction transaction(*session);
    session->query("INSERT INTO public.t VALUES (1)");
    CHECK(session->in_transaction());
  }
  CHECK_FALSE(session->in_transaction());
  CHECK(rows_in(database, "t") == "0");
  {
    Transaction transaction(*session);
    session->query("INSERT INTO public.t VALUES (1)");
    transaction.commit();
  }
  CHECK(rows_in(database, "t") == "1");
}

TEST_CASE("a transaction that failed cannot be committed, and the session lives on") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const auto session = open(database.url());
  Transaction transaction(*session);
  session->query("INSERT INTO public.t VALUES (1)");
  refusal_of(*session, "SELECT 1/0");
  CHECK_THROWS_AS(transaction.commit(), SqlError);
  CHECK_FALSE(session->in_transaction());
  CHECK(rows_in(database, "t") == "0");
  CHECK(session->query("SELECT 1").number(0, 0) == 1);
}

TEST_CASE("a transaction that went back to a savepoint after an error can be committed") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const auto session = open(database.url());
  Transaction transaction(*session);
  session->query("INSERT INTO public.t VALUES (1)");
  session->query("SAVEPOINT s");
  refusal_of(*session, "SELECT 1/0");
  session->query("ROLLBACK TO s");
  transaction.commit();
  CHECK(rows_in(database, "t") == "1");
}

TEST_CASE("a COMMIT that the server refuses is an error, not a doubt") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)");
  const auto session = open(database.url());
  session->begin();
  session->query("INSERT INTO public.t VALUES (1), (1)");
  std::string sqlstate;
  try {
    session->commit();
  } catch (const SqlError& error) {
    sqlstate = error.sqlstate();
  }
  CHECK(sqlstate == "23505");
  CHECK_FALSE(session->in_transaction());
  CHECK(rows_in(database, "t") == "0");
}

// As a cancel request does that reaches the server just before it begins to commit.
TEST_CASE("a COMMIT that is refused before it was begun with leaves no transaction open") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const Proxy proxy(database, Fault::kSpoilsCommit);
  const auto session = open(proxy.url());
  session->begin();
  session->query("INSERT INTO public.t VALUES (1)");
  CHECK_THROWS_AS(session->commit(), SqlError);
  CHECK_FALSE(session->in_transaction());
  CHECK(session->query("SELECT count(*) FROM public.t").number(0, 0) == 0);
}

TEST_CASE("a backend that was terminated is a lost connection without doubt, and nothing reconnects") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  session->begin();
  terminate(database, session->backend_pid());
  CHECK(loss_of([&] { session->query("SELECT 1"); }) == Loss::kCertain);
  CHECK_FALSE(session->is_open());
  CHECK_FALSE(session->in_transaction());
  CHECK(loss_of([&] { session->query("SELECT 1"); }) == Loss::kCertain);
  CHECK(loss_of([&] { session->query_prepared("SELECT 1", {}); }) == Loss::kCertain);
  CHECK(loss_of([&] { session->begin(); }) == Loss::kCertain);
  session->rollback();
}

TEST_CASE("a lost connection is named by where it led") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  session->begin();
  terminate(database, session->backend_pid());
  const std::string message = [&] {
    try {
      session->query("SELECT 1");
    } catch (const ConnectionLost& lost) {
      return std::string(lost.what());
    }
    return std::string();
  }();
  CHECK(message == "the connection to " + database.role() + "@" + database.server().socket_directory().string() + ":" +
                       std::to_string(database.server().port()) + "/" + database.name() + " was lost");
}

TEST_CASE("a backend that is terminated during COMMIT leaves a doubt") {
  const TestDatabase database(Server::any());
  database.exec(
      "CREATE TABLE t (a int);"
      "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(60); RETURN NULL; END$$;"
      "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
      "EXECUTE FUNCTION slow()");
  const auto session = open(database.url());
  const int pid = session->backend_pid();
  session->begin();
  session->query("INSERT INTO public.t VALUES (1)");
  std::thread killer([&] {
    wait_for_sleep(database, pid);
    terminate(database, pid);
  });
  const Loss loss = loss_of([&] { session->commit(); });
  killer.join();
  CHECK(loss == Loss::kInDoubt);
  CHECK_FALSE(session->is_open());
  CHECK_FALSE(session->in_transaction());
}

TEST_CASE("a COMMIT looks the same whether its request or its answer was lost") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const auto commit_through = [&](Fault fault) {
    const Proxy proxy(database, fault);
    const auto session = open(proxy.url());
    session->begin();
    session->query("INSERT INTO public.t VALUES (1)");
    return loss_of([&] { session->commit(); });
  };
  CHECK(commit_through(Fault::kLosesRequest) == Loss::kInDoubt);
  CHECK(rows_in(database, "t") == "0");
  CHECK(commit_through(Fault::kLosesAnswer) == Loss::kInDoubt);
  CHECK(rows_in(database, "t") == "1");
  CHECK(commit_through(Fault::kNone) == Loss::kNone);
  CHECK(rows_in(database, "t") == "2");
}

TEST_CASE("a crash of the server is a lost connection") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  database.server().restart_immediately();
  CHECK(loss_of([&] { session->query("SELECT 1"); }) == Loss::kCertain);
}

TEST_CASE("a running statement can be canceled from another thread") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  std::thread other([&] {
    wait_for_sleep(database, session->backend_pid());
    session->cancel();
  });
  const SqlError error = refusal_of(*session, "SELECT pg_catalog.pg_sleep(60)");
  other.join();
  CHECK(classify(error) == SqlClass::kCanceled);
  CHECK(session->query("SELECT 1").number(0, 0) == 1);
}

TEST_CASE("a statement timeout is told from a cancel request") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  session->query("SET statement_timeout = '20ms'");
  const SqlError error = refusal_of(*session, "SELECT pg_catalog.pg_sleep(60)");
  CHECK(error.sqlstate() == "57014");
  CHECK(classify(error) == SqlClass::kStatementTimeout);
}

TEST_CASE("a prepared statement is prepared once and runs many times") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  for (int i = 0; i < 5; ++i) {
    CHECK(session->query_prepared("SELECT $1::int + 1, $2::text", {std::to_string(i), {}}).number(0, 0) == i + 1);
  }
  session->query_prepared("SELECT 2", {});
  CHECK(session->query("SELECT count(*) FROM pg_catalog.pg_prepared_statements").number(0, 0) == 2);
}

TEST_CASE("a prepared statement that cannot be prepared is an error each time, until it can") {
  const TestDatabase database(Server::any());
  const auto session = open(database.url());
  for (int i = 0; i < 2; ++i) CHECK_THROWS_AS(session->query_prepared("SELECT a FROM public.late", {}), SqlError);
  database.exec("CREATE TABLE late (a int)");
  CHECK(session->query_prepared("SELECT a FROM public.late", {}).empty());
}

TEST_CASE("a prepared statement survives a change of its result's type") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
  const auto session = open(database.url());
  CHECK(session->query_prepared("SELECT * FROM public.t", {}).columns.size() == 1);
  database.exec("ALTER TABLE t ADD COLUMN b int DEFAULT 2");
  CHECK(session->query_prepared("SELECT * FROM public.t", {}).number(0, 1) == 2);
}

TEST_CASE("what cannot run in a transaction runs outside of one") {
  const TestDatabase database(Server::any());
  database.exec("CREATE TABLE t (a int)");
  const auto session = open(database.url());
  session->query("CREATE INDEX CONCURRENTLY t_a ON public.t (a)");
  session->query("VACUUM (TRUNCATE false) public.t");
  session->begin();
  CHECK(refusal_of(*session, "DROP INDEX CONCURRENTLY public.t_a").sqlstate() == "25001");
  session->rollback();
  CHECK(session->query("SELECT indisvalid FROM pg_catalog.pg_index WHERE indexrelid = 'public.t_a'::regclass")
            .boolean(0, 0));
}

TEST_SUITE_END();
