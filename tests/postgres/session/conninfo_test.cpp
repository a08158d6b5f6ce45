#include "postgres/session/conninfo.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/error_kinds.h"
#include "tests/postgres/session/environment.h"

using falsework::Error;
using falsework::pg::complete_conninfo;
using falsework::pg::ConnectionSettings;
using falsework::pg::describe;
using falsework::pg::Keywords;
using falsework::pg::parse_conninfo;
using falsework::pg::render_conninfo;
using falsework::pg::render_options;
using falsework::pg::without_secrets;
using falsework::test::Environment;

TEST_SUITE_BEGIN("postgres/session/conninfo");

TEST_CASE("a URL and a keyword string give the same keywords") {
  const Keywords expected{{"host", "h"}, {"port", "5433"}, {"dbname", "d b"}, {"user", "u"}, {"sslmode", "require"}};
  CHECK(parse_conninfo("postgresql://u@h:5433/d%20b?sslmode=require") == expected);
  CHECK(parse_conninfo("host=h port=5433 dbname='d b' user=u sslmode=require") == expected);
  CHECK(parse_conninfo("").empty());
}

TEST_CASE("what is rendered is parsed to the same keywords, whatever the values hold") {
  const Keywords keywords{{"password", "a 'b' \\c\\"}, {"dbname", "it's"}, {"options", "-c a=b\\ c"}, {"host", ""}};
  CHECK(parse_conninfo(render_conninfo(keywords)) == keywords);
}

TEST_CASE("options escape white space and backslashes, for the server splits at them") {
  CHECK(render_options({{"a", "x y"}, {"b", "c:\\d"}}) == "-c a=x\\ y -c b=c:\\\\d");
}

TEST_CASE("a malformed connection string is refused without repeating any of it") {
  for (const std::string given :
       {"postgresql://u:hunter2@ss@h/d", "postgresql://u:hun/ter2@h/d", "postgres//u:hunter2@h/d",
        "password=hunter2 hunter2", "password=x hunter2=y", "password='hunter2", "postgresql://u:hunter2%zz@h/d",
        "postgresql://u:hunter2", "host=h port=hunter2"}) {
    CAPTURE(given);
    std::string message;
    std::string_view code;
    try {
      parse_conninfo(given);
    } catch (const Error& error) {
      message = std::string(error.what()) + error.hint();
      code = error.code();
    }
    CHECK(code == falsework::errors::kUsage.code);
    CHECK(message.find("hun") == std::string::npos);
    CHECK(message.find("ter2") == std::string::npos);
  }
}

TEST_CASE("our settings stand behind the user's options and behind PGOPTIONS") {
  ConnectionSettings settings;
  settings.conninfo = "host=h options='-c geqo=off'";
  CHECK(parse_conninfo(complete_conninfo(settings, {{"a", "b"}})).at("options") == "-c geqo=off -c a=b");

  const Environment environment("PGOPTIONS", "-c jit=off");
  settings.conninfo = "host=h";
  CHECK(parse_conninfo(complete_conninfo(settings, {{"a", "b"}})).at("options") == "-c jit=off -c a=b");
}

TEST_CASE("the user's own time-outs and TLS settings are kept") {
  ConnectionSettings settings;
  settings.conninfo = "host=h connect_timeout=77 keepalives_idle=5 sslmode=verify-full application_name=mine";
  settings.application_name = "falsework run 1";
  const Keywords keywords = parse_conninfo(complete_conninfo(settings, {}));
  CHECK(keywords.at("connect_timeout") == "77");
  CHECK(keywords.at("keepalives_idle") == "5");
  CHECK(keywords.at("sslmode") == "verify-full");
  CHECK(keywords.at("application_name") == "falsework run 1");
}

TEST_CASE("a time to connect is rounded up to whole seconds") {
  ConnectionSettings settings;
  settings.connect_timeout = std::chrono::milliseconds(2001);
  CHECK(parse_conninfo(complete_conninfo(settings, {})).at("connect_timeout") == "3");
}

TEST_CASE("a description names user, host, port and database and never the password") {
  const Environment no_user("PGUSER", "ann");
  const Environment no_database("PGDATABASE", "shop");
  const Environment no_host("PGHOST", "db.example");
  const Environment no_port("PGPORT", "6000");
  CHECK(describe("") == "ann@db.example:6000/shop");
  CHECK(describe("postgresql://bob:secret@h:5433/d?sslmode=disable") == "bob@h:5433/d");
  CHECK(describe("host=::1 dbname=d user=u password=secret port=1") == "u@[::1]:1/d");
  CHECK(describe("host=/run/pg dbname=d user=u port=1") == "u@/run/pg:1/d");
}

TEST_CASE("a password is masked wherever it occurs, also one from the environment") {
  const Environment password("PGPASSWORD", "from-env");
  CHECK(without_secrets("x canary y canary, from-env", {{"password", "canary"}}) == "x *** y ***, ***");
}

TEST_CASE("a password that is the user's name leaves the name readable") {
  CHECK(without_secrets("no role shop", {{"password", "shop"}, {"user", "shop"}}) == "no role shop");
}

TEST_SUITE_END();
