#include "postgres/session/settings.h"

#include <doctest/doctest.h>

#include "base/error_kinds.h"
#include "tests/postgres/session/environment.h"
#include "tests/postgres/session/proxy.h"
#include "tests/support/server.h"

using falsework::Error;
using falsework::pg::connect;
using falsework::pg::ConnectionSettings;
using falsework::pg::Session;
using falsework::test::Client;
using falsework::test::Environment;
using falsework::test::Fault;
using falsework::test::Proxy;
using falsework::test::Server;
using falsework::test::TestDatabase;

namespace {

std::string shown(Session& session, const std::string& name) {
  return session.query("SELECT pg_catalog.current_setting($1)", {name}).text(0, 0);
}

void check_pinned(Session& session) {
  CHECK(shown(session, "search_path") == "pg_catalog");
  CHECK(shown(session, "row_security") == "off");
  CHECK(shown(session, "jit") == "off");
  CHECK(shown(session, "client_encoding") == "UTF8");
  CHECK(shown(session, "TimeZone") == "UTC");
  CHECK(shown(session, "DateStyle") == "ISO, YMD");
  CHECK(shown(session, "IntervalStyle") == "postgres");
  CHECK(shown(session, "extra_float_digits") == "1");
  CHECK(shown(session, "bytea_output") == "hex");
  CHECK(shown(session, "standard_conforming_strings") == "on");
  CHECK(shown(session, "quote_all_identifiers") == "off");
  CHECK(shown(session, "transform_null_equals") == "off");
  CHECK(shown(session, "lock_timeout") == "5s");
  CHECK(shown(session, "statement_timeout") == "0");
  CHECK(shown(session, "idle_in_transaction_session_timeout") == "0");
  CHECK(shown(session, "idle_session_timeout") == "0");
  CHECK(shown(session, "default_transaction_isolation") == "read committed");
  CHECK(shown(session, "synchronous_commit") == "on");
  if (session.server_major() >= 17) CHECK(shown(session, "transaction_timeout") == "0");
}

// Every pinned setting at another value, for a role in a database.
void set_defaults_against_us(const TestDatabase& database) {
  Client client = database.connect_as_superuser();
  for (const std::string setting :
       {"search_path = public", "row_security = on", "client_encoding = LATIN1", "TimeZone = 'Asia/Tokyo'",
        "DateStyle = 'German'", "IntervalStyle = iso_8601", "extra_float_digits = -15", "bytea_output = escape",
        "standard_conforming_strings = off", "quote_all_identifiers = on", "transform_null_equals = on",
        "lock_timeout = '1h'", "statement_timeout = '7min'", "idle_in_transaction_session_timeout = '1min'",
        "idle_session_timeout = '1min'", "default_transaction_isolation = serializable", "synchronous_commit = off"}) {
    client.exec("ALTER ROLE " + database.role() + " IN DATABASE " + database.name() + " SET " + setting);
  }
  if (database.server().major() >= 17) {
    client.exec("ALTER ROLE " + database.role() + " SET transaction_timeout = '1min'");
  }
}

std::string code_of(const ConnectionSettings& settings) {
  try {
    connect(settings);
  } catch (const Error& error) {
    return std::string(error.code());
  }
  return "connected";
}

ConnectionSettings to(const std::string& conninfo) {
  ConnectionSettings settings;
  settings.conninfo = conninfo;
  return settings;
}

}  // namespace

TEST_SUITE_BEGIN("postgres/session/settings");

TEST_CASE("a session is pinned whatever the defaults of its role and database say") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    set_defaults_against_us(database);
    // The defaults do take effect elsewhere, or this case would prove nothing.
    CHECK(database.connect().value("SHOW statement_timeout") == "7min");
    const auto session = connect(to(database.url()));
    check_pinned(*session);
  }
}

TEST_CASE("a session is pinned whatever libpq's environment and the user's options say") {
  const TestDatabase database(Server::any());
  const Environment options("PGOPTIONS", "-c search_path=public -c lock_timeout=1h");
  const Environment zone("PGTZ", "Asia/Tokyo");
  const Environment style("PGDATESTYLE", "German");
  const Environment encoding("PGCLIENTENCODING", "LATIN1");
  check_pinned(*connect(to(database.url())));
  check_pinned(*connect(to(database.url() + "&options=-c%20TimeZone%3DAsia/Tokyo%20-c%20row_security%3Don")));
}

TEST_CASE("a setting that is asked for goes over the pinned one, in any spelling") {
  const TestDatabase database(Server::any());
  ConnectionSettings settings = to(database.url());
  settings.application_name = "falsework \\ run 'x'";
  settings.settings = {{"lock_timeout", "500ms"},
                       {"statement_timeout", "90s"},
                       {"timezone", "Europe/Paris"},
                       {"work_mem", "65536kB"},
                       {"jit", "false"},
                       {"falsework.copy", "a b\\c'd\"e"},
                       {"synchronous_commit", "off"},
                       {"extra_float_digits", "3"}};
  const auto session = connect(settings);
  CHECK(shown(*session, "lock_timeout") == "500ms");
  CHECK(shown(*session, "statement_timeout") == "90s");
  CHECK(shown(*session, "TimeZone") == "Europe/Paris");
  CHECK(shown(*session, "work_mem") == "64MB");
  CHECK(shown(*session, "jit") == "off");
  CHECK(shown(*session, "falsework.copy") == "a b\\c'd\"e");
  CHECK(shown(*session, "synchronous_commit") == "off");
  CHECK(shown(*session, "extra_float_digits") == "3");
  CHECK(shown(*session, "application_name") == "falsework \\ run 'x'");
}

TEST_CASE("the user's own options reach the server beside ours") {
  const TestDatabase database(Server::any());
  const auto session = connect(to(database.url() + "&options=-c%20geqo_threshold%3D9"));
  CHECK(shown(*session, "geqo_threshold") == "9");
  CHECK(shown(*session, "search_path") == "pg_catalog");
}

TEST_CASE("a pooler that drops the settings, refuses them or hands out other backends is refused") {
  const TestDatabase database(Server::any());
  CHECK(code_of(to(Proxy(database, Fault::kNone).url())) == "connected");
  CHECK(code_of(to(Proxy(database, Fault::kDropsOptions).url())) == "connection.pooled");
  CHECK(code_of(to(Proxy(database, Fault::kRefusesOptions).url())) == "connection.pooled");
  CHECK(code_of(to(Proxy(database, Fault::kMakesUpPid).url())) == "connection.pooled");
}

TEST_CASE("a pooler that drops the settings is refused even if the role's search_path is the pinned one") {
  const TestDatabase database(Server::any());
  database.connect_as_superuser().exec("ALTER ROLE " + database.role() + " SET search_path = pg_catalog");
  const Proxy proxy(database, Fault::kDropsOptions);
  CHECK(code_of(to(proxy.url())) == "connection.pooled");
}

TEST_SUITE_END();
