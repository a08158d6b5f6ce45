// Gates as a person at a shell meets them, on a real server: evidence, approvals, overrides and the release train.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

std::string rename_with(const std::string& options) {
  return "-- falsework: name=users_email switch=2026.12 contract=2027.01 " + options +
         "\nALTER TABLE users RENAME COLUMN email TO email_address;\n";
}

// A run that stands at its contract gate; with `out`, its release was said to be out.
void to_contract(const Workspace& place, const std::string& options, int rows = 100) {
  place.make_users(rows);
  place.plan(rename_with(options));
  REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
  REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-d", place.url()}).status == 0);
}

Json condition(const Json& status, const std::string& kind) {
  for (const Json& each : status.at("runs").at(0).at("gate").at("conditions")) {
    if (each.at("kind") == kind) return each;
  }
  FAIL("no condition " << kind);
  return {};
}

bool holds(const Json& text, const std::string& part) {
  return text.get<std::string>().find(part) != std::string::npos;
}

std::vector<std::string> advance(const std::string& release) {
  return {"advance", "users_email", "--release", release, "--confirm", "users_email", "--yes", "-q"};
}

void age_sightings(const Workspace& place, const std::string& by) {
  place.database().exec("UPDATE falsework.sighting SET at = at - interval '" + by + "'");
}

}  // namespace

TEST_SUITE("engine/cli/gates") {
  TEST_CASE(
      "a forgotten worker of the old release keeps the contract gate closed, is named, and opens it by stopping") {
    const Workspace place;
    to_contract(place, "contract_no_old_writer=1h");
    REQUIRE(place.json(advance("2027.01")).at("results").at(0).at("waiting_for") ==
            Json{"no writer of the old shape for 1h"});
    Client worker = place.database().connect();
    worker.exec("SET application_name = 'billing-worker'");
    worker.exec("INSERT INTO users (email) VALUES ('late')");

    age_sightings(place, "2 hours");  // the worker wrote within them
    const Json seen = condition(place.json({"status"}), "no_old_writer");
    CHECK(seen.at("met") == false);
    CHECK(holds(seen.at("value"), "billing-worker (pid " + std::to_string(worker.pid())));
    const Json refused = place.json({"advance", "--yes", "-q", "--confirm", "users_email"}, 3).at("error");
    CHECK(refused.at("code") == "gate.closed");
    CHECK(holds(refused.at("message"), "no writer of the old shape for 1h"));
    CHECK(holds(refused.at("message"), "billing-worker"));

    worker.exec("UPDATE users SET email = 'later' WHERE email = 'late'");
    CHECK(holds(condition(place.json({"status"}), "no_old_writer").at("value"), "used since"));
    worker.close();
    Client fresh = place.database().connect();
    fresh.exec("INSERT INTO users (email_address) VALUES ('new'); UPDATE users SET email_address = 'x' WHERE id = 1");
    fresh.exec("UPDATE users SET phone = '1'");
    age_sightings(place, "2 hours");
    CHECK(condition(place.json({"status"}), "no_old_writer").at("met") == true);
    const Json done = place.json({"advance", "--yes", "-q", "--confirm", "users_email"}).at("results").at(0);
    CHECK(done.at("outcome") == "done");
    CHECK(place.database().connect().value("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_fw\\_%'") == "0");
  }

  TEST_CASE("the counter of old writes can be moved on by anybody and back by nobody, and its loss fails no write") {
    Workspace place;
    const std::string client = place.database().add_role("client");
    to_contract(place, "contract_no_old_writer=1h");
    place.database().exec("GRANT USAGE ON SCHEMA public TO " + client + "; GRANT ALL ON users TO " + client);
    const std::string sequence = place.database().connect().value(
        "SELECT oid::regclass FROM pg_class WHERE relkind = 'S' AND relname LIKE '\\_fw\\_old\\_writes%'");
    const auto position = [&] {
      return place.database().connect().value("SELECT last_value || is_called::text FROM " + sequence);
    };
    Client writer(place.database().url_as(client));
    const std::string before = position();
    // A role that may name nothing in the schema still writes, and is counted.
    place.database().exec("REVOKE USAGE ON SCHEMA public FROM PUBLIC, " + client);
    place.database().exec(
        "CREATE SCHEMA api; CREATE VIEW api.users AS SELECT * FROM public.users; "
        "GRANT USAGE ON SCHEMA api TO " +
        client + "; GRANT ALL ON api.users TO " + client);
    writer.exec("UPDATE api.users SET email = 'by the view' WHERE id = 1");
    CHECK(position() != before);
    CHECK(writer.sqlstate_of("SELECT setval(" +
                             place.database().connect().value("SELECT $1::regclass::oid", {sequence}) +
                             "::oid::regclass, 1)") == "42501");
    place.database().exec("REVOKE ALL ON SEQUENCE " + sequence + " FROM PUBLIC");
    writer.exec("UPDATE api.users SET email = 'not counted' WHERE id = 1");
    place.database().exec("DROP SEQUENCE " + sequence);
    writer.exec("UPDATE api.users SET email = 'nor this' WHERE id = 1");
    CHECK(place.database().connect().value("SELECT email_address FROM users WHERE id = 1") == "nor this");
    const Json lost = condition(place.json({"status"}), "no_old_writer");
    CHECK(lost.at("met").is_null());
    CHECK(lost.at("value") == "cannot be evaluated");
  }

  TEST_CASE("an INSERT that leaves both names to the default is no write of the old shape") {
    const Workspace place;
    place.database().exec("CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL DEFAULT 'none')");
    place.plan(rename_with("contract_no_old_writer=1h"));
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    Client client = place.database().connect();
    const std::string look =
        "SELECT is_called FROM " +
        client.value("SELECT oid::regclass FROM pg_class WHERE relkind = 'S' AND relname LIKE '\\_fw\\_old\\_writes%'");
    client.exec("INSERT INTO users (id) VALUES (1); INSERT INTO users (id, email_address) VALUES (2, 'new')");
    CHECK(client.value(look) == "f");
    client.exec("INSERT INTO users (id, email) VALUES (3, 'old')");
    CHECK(client.value(look) == "t");
  }

  TEST_CASE("a report that reads the old column is found in pg_stat_statements, by parsing") {
    Workspace place;
    Server& server = place.database().server();
    place.database().connect_as_superuser().exec("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'");
    server.stop();
    server.start();
    to_contract(place, "contract_no_old_statement=1h");
    const Json without = place.json(advance("2027.01")).at("results").at(0);
    CHECK(without.at("waiting_for") == Json{"no statement of the old shape for 1h"});
    CHECK(holds(condition(place.json({"status"}), "no_old_statement").at("missing"),
                "CREATE EXTENSION pg_stat_statements"));
    Client superuser = place.database().connect_as_superuser();
    superuser.exec("CREATE EXTENSION pg_stat_statements; CREATE TABLE other (email text)");
    superuser.exec("SELECT 1 AS other_role");
    CHECK(holds(condition(place.json({"status"}), "no_old_statement").at("missing"), "GRANT pg_read_all_stats TO "));
    superuser.exec("GRANT pg_read_all_stats TO " + place.database().role());
    CHECK(holds(condition(place.json({"status"}), "no_old_statement").at("value"), "first looked at now"));

    Client report = place.database().connect();
    report.exec("SELECT email_address AS email FROM users WHERE id = 1 /* email */");
    superuser.exec("SELECT email FROM other");
    age_sightings(place, "2 hours");
    CHECK(condition(place.json({"status"}), "no_old_statement").at("met") == true);
    report.exec("SELECT count(u.email) FROM users u WHERE u.id > 7");
    const Json seen = condition(place.json({"status"}), "no_old_statement");
    CHECK(seen.at("met") == false);
    CHECK(holds(seen.at("value"), "SELECT count(u.email) FROM users u WHERE u.id > $1"));
    age_sightings(place, "2 hours");
    CHECK(place.json({"advance", "--yes", "-q", "--confirm", "users_email"}).at("results").at(0).at("outcome") ==
          "done");
    superuser.exec("ALTER SYSTEM RESET shared_preload_libraries");
    superuser.close();
    report.close();
    server.stop();
    server.start();
  }

  TEST_CASE("sessions, settings and dependents of the old shape are named") {
    const Workspace place;
    to_contract(place, "contract_no_old_session=true contract_no_dependent=true");
    place.database().exec(
        "CREATE VIEW late AS SELECT email FROM users;"
        "CREATE FUNCTION by_sql() RETURNS bigint LANGUAGE sql AS 'SELECT count(u.email) FROM users u';"
        "CREATE FUNCTION by_name(e text) RETURNS text LANGUAGE sql AS 'SELECT email_address AS email FROM users';"
        "CREATE FUNCTION dynamic() RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'UPDATE users SET email = NULL'; "
        "END$$;");
    Client session = place.database().connect();
    session.exec("SET application_name = 'old-app'");
    session.exec("SELECT email FROM users LIMIT 1");
    const Json status = place.json({"status"});
    const std::string dependents = condition(status, "no_dependent").at("value");
    CHECK(dependents == "rule _RETURN on view public.late; function public.by_sql(); function public.dynamic()");
    CHECK(holds(condition(status, "no_old_session").at("value"), "old-app (pid "));
    session.exec("SELECT 1");
    place.database().exec("DROP VIEW late; DROP FUNCTION by_sql(); DROP FUNCTION dynamic();");
    CHECK(condition(place.json({"status"}), "no_dependent").at("met") == true);
    CHECK(condition(place.json({"status"}), "no_old_session").at("met") == true);
    place.database().connect_as_superuser().exec("ALTER DATABASE " + place.database().name() +
                                                 " SET falsework.shape = 'old'");
    CHECK(condition(place.json({"status"}), "no_old_session").at("met") == false);
  }

  TEST_CASE("four eyes: neither the author nor who started the run approves what cannot be undone") {
    const Workspace place;
    to_contract(place, "author=ann contract_approvals=2");
    const std::string starter = place.json({"history"}).at("events").at(0).at("actor");
    REQUIRE(place.json(advance("2027.01")).at("results").at(0).at("waiting_for") == Json{"2 approvals"});
    const auto approve = [&](const std::string& name, int status) {
      return place.json({"approve", "users_email", "--gate", "contract", "--as", name, "--comment", "looked at it"},
                        status);
    };
    for (const std::string& maker : {std::string("ann"), std::string("ANN"), starter.substr(0, starter.find('@'))}) {
      CAPTURE(maker);
      CHECK(approve(maker, 3).at("error").at("code") == "approval.refused");
    }
    approve("mia", 0);
    approve("Mia", 0);  // nobody counts twice
    const Json one = condition(place.json({"status"}), "approval");
    CHECK(holds(one.at("value"), "mia at "));
    CHECK(holds(one.at("value"), "(\"looked at it\")"));
    CHECK(holds(one.at("missing"), "1 more: falsework approve "));
    approve("zoe", 0);
    // An approval of another plan is void.
    place.database().connect_as_superuser().exec(
        "UPDATE falsework.fact SET plan_digest = 'other' WHERE subject = 'zoe'");
    CHECK(holds(condition(place.json({"status"}), "approval").at("value"), "zoe approved another plan"));
    REQUIRE(place.json({"advance", "--yes", "-q", "--confirm", "users_email"}, 3).at("error").at("code") ==
            "gate.closed");
    approve("zoe", 0);
    CHECK(place.json({"advance", "--yes", "-q", "--confirm", "users_email"}).at("results").at(0).at("outcome") ==
          "done");
    CHECK(approve("kim", 2).at("error").at("code") == "usage");
  }

  TEST_CASE("an override is recorded with what was missing, and is not available for a failed proof") {
    const Workspace place;
    to_contract(place, "contract_soak=7d contract_check='SELECT count(*) = 0 FROM public.users WHERE phone = $$x$$'");
    const Json status = place.json({"status"});
    CHECK(condition(status, "soak").at("value") == "not begun");
    CHECK(condition(status, "sql").at("met") == true);
    CHECK(place.json({"advance", "--override", "contract", "--yes"}, 2).at("error").at("code") == "usage");
    CHECK(place.json({"advance", "--override", "switch", "--reason", "x", "--yes"}, 2).at("error").at("code") ==
          "usage");

    // Somebody switches the dual write off, and old and new come to disagree.
    place.database().exec(
        "ALTER TABLE users DISABLE TRIGGER ALL; UPDATE users SET email = 'other' WHERE id = 1;"
        "DO $$DECLARE t name; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass LOOP "
        "EXECUTE format('ALTER TABLE users ENABLE ALWAYS TRIGGER %I', t); END LOOP; END$$");
    const std::vector<std::string> override_it{"advance",   "--override",  "contract", "--reason", "OPS-812",
                                               "--confirm", "users_email", "--yes",    "-q"};
    CHECK(place.json(override_it, 7).at("error").at("code") == "proof.failed");
    CHECK(place.json({"advance", "--yes", "-q", "--confirm", "users_email"}, 7).at("error").at("code") ==
          "proof.failed");
    CHECK(place.database().connect().value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'users' "
                                           "AND column_name = 'email'") == "1");
    bool told = false;
    const Json history = place.json({"history"});
    for (const Json& event : history.at("events")) {
      if (event.at("event") != "gate_overridden") continue;
      told = true;
      CHECK(holds(event.at("detail"), "OPS-812; missing: release 2027.01; soak 7d (not begun"));
    }
    CHECK(told);
    CHECK(place.database().connect().value("SELECT subject FROM falsework.fact WHERE kind = 'override'") == "OPS-812");
  }

  TEST_CASE("a soak is counted from facts in the database, and a backup by its age") {
    const Workspace place;
    to_contract(place, "contract_soak=7d contract_backup=24h");
    REQUIRE(place.run(advance("2027.01")).status != 1);
    REQUIRE(place.json(advance("2027.01")).at("results").at(0).at("outcome") == "at_gate");
    CHECK(holds(condition(place.json({"status"}), "soak").at("value"), "of 7d, since "));
    Client superuser = place.database().connect_as_superuser();
    superuser.exec("UPDATE falsework.fact SET at = at - interval '8 days'");
    CHECK(condition(place.json({"status"}), "soak").at("met") == false);  // the switch is younger
    superuser.exec("UPDATE falsework.journal SET at = at - interval '8 days'");
    CHECK(condition(place.json({"status"}), "soak").at("met") == true);
    const auto acknowledge = [&](const std::string& taken) {
      return std::vector<std::string>{"acknowledge", "users_email", "--gate",     "contract",
                                      "--backup",    "nightly-7",   "--taken-at", taken};
    };
    CHECK(place.json(acknowledge("yesterday-ish"), 2).at("error").at("message") == "\"yesterday-ish\" is not a time");
    place.json(acknowledge("2020-01-01T00:00:00Z"));
    CHECK(condition(place.json({"status"}), "backup").at("met") == false);
    place.json(acknowledge(superuser.value("SELECT now() - interval '3 hours'")));
    CHECK(holds(condition(place.json({"status"}), "backup").at("value"), "nightly-7, 3h"));
    CHECK(place.json({"advance", "--yes", "-q", "--confirm", "users_email"}).at("results").at(0).at("outcome") ==
          "done");
  }

  TEST_CASE("three runs over two releases: each promotes its own, and a release is remembered for who comes later") {
    const Workspace place;
    place.database().exec("CREATE TABLE a (x int); CREATE TABLE b (x int); CREATE TABLE c (x int)");
    const auto declare = [&](const std::string& table, const std::string& first, const std::string& second) {
      place.plan("-- falsework: name=" + table + "_x switch=" + first + " contract=" + second + "\nALTER TABLE " +
                     table + " RENAME COLUMN x TO y;\n",
                 table + ".json");
    };
    declare("a", "r1", "r2");
    declare("b", "r1", "r2");
    declare("c", "r2", "r3");
    for (const char* plan : {"a.json", "b.json"}) {
      REQUIRE(place.run({"apply", plan, "--yes", "-d", place.url()}).status == 0);
    }
    const Json first = place.json({"advance", "--release", "r1", "--yes", "-q"}).at("results");
    REQUIRE(first.size() == 2);
    const std::vector<std::string> second{"advance", "--release", "r2",  "--confirm",
                                          "a_x",     "--confirm", "b_x", "--yes"};
    CHECK(place.json(second).at("results").size() == 2);
    // c comes to its gate when r2 is long out: apply opens no gate, a plain advance does.
    const Json late = place.json({"apply", "c.json", "--yes", "-q"}).at("results").at(0);
    CHECK(late.at("outcome") == "at_gate");
    CHECK(late.at("waiting_for") == Json{"advance"});
    const Json releases = place.json({"release", "list"}).at("releases");
    CHECK(releases.at(1).at("release") == "r2");
    CHECK(releases.at(1).at("out_since").is_string());
    CHECK(releases.at(2).at("out_since").is_null());
    CHECK(place.json({"advance", "c_x", "--yes", "-q"}).at("results").at(0).at("waiting_for") == Json{"release r3"});
    // What is undone must be said anew.
    REQUIRE(place.run({"rollback", "c_x", "--to-phase", "validate", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"status", "c_x"}).at("runs").at(0).at("waiting_for") == Json{"release r2"});
  }

  TEST_CASE("a release that no run waits for yet is remembered") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"advance", "--release", "2027.01", "--yes", "-q"}).at("results").empty());
    REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-d", place.url()}).status == 3);  // confirmation
    const Json done = place.json({"advance", "users_email", "--confirm", "users_email", "--yes", "-q"});
    CHECK(done.at("results").at(0).at("outcome") == "done");
  }

  TEST_CASE("status waits for an outcome, and watches") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.run({"status", "--wait", "--timeout", "5s"}).status == 0);
    CHECK(place.run({"status", "--wait", "--detailed-exitcode"}).status == 6);
    CHECK(place.run({"status", "--timeout", "5s"}).status == 2);
    const auto watch = place.start({"status", "--watch", "--interval", "50ms", "-d", place.url()});
    REQUIRE(wait_until([&] { return watch->out().find("release 2026.12: not out") != std::string::npos; }));
    REQUIRE(place.run({"rollback", "users_email", "--yes", "-d", place.url()}).status == 0);
    const ProcessResult watched = watch->wait();
    CHECK(watched.status == 0);
    CHECK(watched.out.find("rolled_back") != std::string::npos);
  }

  TEST_CASE("a condition that means nothing in a migration is refused when it is planned") {
    const Workspace place;
    place.make_users();
    place.write("a.sql",
                "-- falsework: contract_no_old_writer=1h\nALTER TABLE users ALTER COLUMN phone SET NOT NULL; "
                "-- falsework: fill='none'\n");
    const Json none = place.json({"plan", "a.sql"}, 2).at("error");
    CHECK(none.at("code") == "declaration.invalid");
    CHECK(holds(none.at("message"), "\"no_old_writer\""));
    place.write("b.sql",
                "-- falsework: switch_soak=1h\nALTER TABLE users ALTER COLUMN phone SET NOT NULL; "
                "-- falsework: fill='none'\n");
    CHECK(holds(place.json({"plan", "b.sql"}, 2).at("error").at("message"), "has no such gate"));
  }

  TEST_CASE("a release that the plan has no gate for is warned of") {
    const Workspace place;
    place.make_users();
    place.plan(
        "-- falsework: switch=r1 contract=r2\nALTER TABLE users ALTER COLUMN phone SET NOT NULL; "
        "-- falsework: fill='none'\n");
    const Json warnings = Json::parse(place.read("plan.json")).at("changes").at(0).at("warnings");
    CHECK(warnings.dump().find("nothing waits for release r1: this plan has no gate switch") != std::string::npos);
    CHECK(warnings.dump().find("release r2") == std::string::npos);
  }
}

}  // namespace falsework::test
