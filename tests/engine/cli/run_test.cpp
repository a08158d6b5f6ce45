#include <doctest/doctest.h>
#include <csignal>

#include <set>

#include "postgres/catalog/compare.h"
#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

std::set<std::string> keys(const Json& object) {
  std::set<std::string> result;
  for (const auto& [key, value] : object.items()) result.insert(key);
  return result;
}

std::string columns(const Workspace& place, const std::string& table = "users") {
  return place.database().connect().value(
      "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
      "AND NOT attisdropped",
      {table});
}

}  // namespace

TEST_SUITE("engine/cli/commands/run") {
  TEST_CASE("a plan goes from apply through its gates to contract") {
    const Workspace place;
    place.make_users();
    place.plan();
    const Json applied = place.json({"apply", "plan.json", "--yes", "-q"});
    CHECK(keys(applied) == std::set<std::string>{"results"});
    const Json result = applied.at("results").at(0);
    CHECK(keys(result) == std::set<std::string>{"run", "name", "database", "state", "phase", "waiting_for", "outcome",
                                                "next", "error", "preflight"});
    const std::string run = result.at("run");
    CHECK(result.at("outcome") == "at_gate");
    CHECK(result.at("state") == "waiting");
    CHECK(result.at("waiting_for") == Json{"release 2026.12"});
    CHECK(result.at("next") == "falsework advance " + run + " --release 2026.12");
    CHECK(columns(place) == "email,email_address,id,phone");

    const Json switched = place.json({"advance", "--release", "2026.12", "--yes", "-q"}).at("results").at(0);
    CHECK(switched.at("waiting_for") == Json{"release 2027.01"});
    CHECK(switched.at("next") == "falsework advance " + run + " --release 2027.01 --confirm users_email");

    const Json done = place.json({"advance", run, "--release", "2027.01", "--confirm", "users_email", "--yes", "-q"})
                          .at("results")
                          .at(0);
    CHECK(done.at("outcome") == "done");
    CHECK(done.at("state") == "done");
    CHECK(done.at("next") == "");
    CHECK(columns(place) == "email_address,id,phone");
    CHECK(place.json({"apply", "plan.json", "--yes", "-q"}).at("results").at(0).at("outcome") == "nothing_to_do");
  }

  TEST_CASE("the runbook of a run tells what happened: when, by whom, in what time, with which rows, and the gates") {
    const Workspace place;
    place.make_users(250);
    place.plan();
    place.json({"apply", "plan.json", "--yes", "-q"});
    const std::string run = place.only_run();
    const std::string waiting = place.run({"runbook", run}).out;
    CHECK(waiting.find("# Run: " + run + "\n") == 0);
    CHECK(waiting.find("| State | **waiting at a gate** |") != std::string::npos);
    CHECK(waiting.find("No gate has been opened.") != std::string::npos);
    CHECK(waiting.find("**What happened:** it has not run.") != std::string::npos);
    CHECK(place.run({"runbook", run}).out == waiting);

    place.json({"advance", "--release", "2026.12", "--yes", "-q"});
    place.json({"advance", run, "--release", "2027.01", "--confirm", "users_email", "--yes", "-q"});
    const std::string done = place.run({"runbook", "users_email"}).out;
    CHECK(done.find("| State | **done** |") != std::string::npos);
    CHECK(done.find("| `switch` | gate opened | release 2026.12 | ") != std::string::npos);
    CHECK(done.find("| `contract` | gate opened | release 2027.01 | ") != std::string::npos);
    CHECK(done.find(", 250 rows") != std::string::npos);
    CHECK(done.find("it has not run") == std::string::npos);
    // Every event with its number, its time and who did it; the hash of the last.
    const Json events = place.json({"history", run}).at("events");
    for (const Json& event : events) {
      if (event.at("event") == "step_progress") continue;
      const std::string row =
          "| " + std::to_string(event.at("serial").get<int>()) + " | " + event.at("at").get<std::string>() + " | ";
      CAPTURE(row);
      CHECK(done.find(row) != std::string::npos);
    }
    CHECK(done.find(events.back().at("hash").get<std::string>()) != std::string::npos);
    // The document of the plan itself stands in it, and the page holds the same.
    const std::string plan = place.run({"runbook", "plan.json"}).out;
    CHECK(done.find(plan.substr(plan.find("\n## Rollback"))) != std::string::npos);
    const std::string page = place.run({"runbook", run, "--format", "html"}).out;
    CHECK(page.find("<h1 id=\"top\">Run: " + run + "</h1>") != std::string::npos);
    CHECK(page.find("<td role=\"cell\" data-label=\"Evidence\">release 2027.01</td>") != std::string::npos);
  }

  TEST_CASE("the runbook of a run tells of failures, of locks that were refused, and of what was undone") {
    const Workspace place;
    place.make_users();
    place.plan();
    Client holder = place.database().connect();
    holder.exec("BEGIN");
    holder.exec("LOCK TABLE users IN ACCESS SHARE MODE");
    CHECK(place.run({"apply", "plan.json", "--yes", "-q", "--lock-budget", "1s", "-d", place.url()}).status == 75);
    holder.exec("ROLLBACK");
    place.json({"apply", "plan.json", "--yes", "-q"});
    const std::string run = place.only_run();
    CHECK(place.run({"rollback", run, "--yes", "-q", "-d", place.url()}).status == 0);
    const std::string text = place.run({"runbook", run}).out;
    CHECK(text.find("| State | **rolled back** |") != std::string::npos);
    CHECK(text.find(": step blocked, step ") != std::string::npos);
    CHECK(text.find("undone 1 time") != std::string::npos);
    CHECK(text.find("begun 2 times") != std::string::npos);
  }

  TEST_CASE("status has the shape that is promised, with and without the database") {
    const Workspace place;
    CHECK(place.run({"status", "--json"}).out == "{\n  \"runs\": []\n}\n");
    place.make_users(5000);
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    const Json status = Json::parse(place.run({"status", "--json"}).out);
    CHECK(keys(status) == std::set<std::string>{"runs"});
    const Json& run = status.at("runs").at(0);
    CHECK(keys(run) == std::set<std::string>{"run", "name", "database", "state", "phase", "waiting_for", "steps",
                                             "gate", "archives"});
    CHECK(run.at("name") == "users_email");
    CHECK(run.at("state") == "waiting");
    CHECK(run.at("phase") == "switch");
    bool copied = false;
    for (const Json& step : run.at("steps")) {
      CHECK(keys(step) == std::set<std::string>{"id", "phase", "kind", "state", "attempts", "progress", "error"});
      CHECK(step.at("error").is_null());
      if (step.at("kind") != "backfill") {
        CHECK(step.at("progress").is_null());
        continue;
      }
      copied = true;
      CHECK(step.at("state") == "done");
      CHECK(step.at("attempts") == 1);
      CHECK(keys(step.at("progress")) == std::set<std::string>{"rows", "total", "rate", "eta_s", "throttled_by",
                                                               "blocks", "total_blocks", "workers", "wal_rate",
                                                               "hot_share", "signals"});
      CHECK(step.at("progress").at("rows") == 5000);
    }
    CHECK(copied);
    const std::string text = place.run({"status", "users_email"}).out;
    CHECK(text.find("next: falsework advance " + run.at("run").get<std::string>() + " --release 2026.12") !=
          std::string::npos);
  }

  TEST_CASE("status says of a failed run why it failed") {
    const Workspace place;
    place.make_users();
    place.plan("-- falsework: name=phone_given\nALTER TABLE users ALTER COLUMN phone SET NOT NULL;");
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"advance", "--yes", "-q", "-d", place.url()}).status == 7);
    const std::string why = "cannot set users.phone NOT NULL: 100 rows are null";
    const ProcessResult all = place.run({"status"});
    CAPTURE(all.out);
    CHECK(all.out.find(place.only_run() + ": users.phone/validate/nulls failed: " + why) != std::string::npos);
    const Json status = place.json({"status"});
    for (const Json& step : status.at("runs").at(0).at("steps")) {
      CAPTURE(step.dump());
      CHECK((step.at("error") == why) == (step.at("id") == "users.phone/validate/nulls"));
    }
  }

  TEST_CASE("stopping at a gate is success, or 6 where that is asked for") {
    const Workspace place;
    place.make_users();
    place.plan();
    CHECK(place.run({"apply", "plan.json", "--yes", "-d", place.url(), "--detailed-exitcode"}).status == 6);
    CHECK(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"status"}).at("runs").size() == 1);
    CHECK(
        place
            .run({"advance", "--to-end", "--confirm", "users_email", "--yes", "-d", place.url(), "--detailed-exitcode"})
            .status == 6);
  }

  TEST_CASE("what cannot be undone needs its confirmation, and without it the gate before stays closed") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-d", place.url()}).status == 0);
    const Json refused = place.json({"advance", "--release", "2027.01", "--yes", "-q"}, 3);
    CHECK(refused.at("error").at("code") == "confirmation.missing");
    CHECK(refused.at("error").at("message") == "a step of users_email that lies ahead cannot be undone");
    CHECK(place.json({"status"}).at("runs").at(0).at("waiting_for") == Json{"release 2027.01"});
    const Json wrong = place.json({"advance", "--release", "2027.01", "--confirm", "other", "--yes", "-q"}, 2);
    CHECK(wrong.at("error").at("message") == "--confirm other names no migration that is carried on here");
    CHECK(columns(place) == "email,email_address,id,phone");
  }

  TEST_CASE("gates without a release are opened one at a time by advance, never by apply") {
    const Workspace place;
    place.make_users();
    place.plan("ALTER TABLE users RENAME COLUMN email TO email_address;\n");
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    const Json before = place.json({"status"}).at("runs").at(0);
    CHECK(before.at("phase") == "switch");
    CHECK(before.at("waiting_for") == Json{"advance"});
    REQUIRE(place.run({"advance", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"status"}).at("runs").at(0).at("phase") == "contract");
    const Json done = place.json({"advance", "--yes", "-q", "--confirm", "declaration"});
    CHECK(done.at("results").at(0).at("outcome") == "done");
  }

  TEST_CASE("--to-end opens every gate that no release holds closed") {
    const Workspace place;
    place.make_users();
    place.plan("-- falsework: name=half contract=2027.01\nALTER TABLE users RENAME COLUMN email TO email_address;\n");
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    const Json stopped = place.json({"advance", "half", "--to-end", "--yes", "-q"}).at("results").at(0);
    CHECK(stopped.at("waiting_for") == Json{"release 2027.01"});
    const Json done =
        place.json({"advance", "half", "--to-end", "--release", "2027.01", "--confirm", "half", "--yes", "-q"});
    CHECK(done.at("results").at(0).at("outcome") == "done");
  }

  TEST_CASE("a release promotes every run that waits for it, and no other") {
    const Workspace place;
    place.make_users();
    place.database().exec("CREATE TABLE a (x int); CREATE TABLE b (x int)");
    const auto declare = [](const std::string& table, const std::string& release) {
      return "-- falsework: name=" + table + "_x switch=" + release + " contract=later\nALTER TABLE " + table +
             " RENAME COLUMN x TO y;\n";
    };
    place.plan(declare("a", "r1"), "a.json");
    place.plan(declare("b", "r1"), "b.json");
    place.plan();
    for (const char* plan : {"a.json", "b.json", "plan.json"}) {
      REQUIRE(place.run({"apply", plan, "--yes", "-d", place.url()}).status == 0);
    }
    const Json none = place.json({"advance", "--release", "r9", "--yes"});
    CHECK(none.at("results").empty());
    const Json both = place.json({"advance", "--release", "r1", "--yes", "-q"}).at("results");
    REQUIRE(both.size() == 2);
    CHECK(both[0].at("name") == "a_x");
    CHECK(both[1].at("name") == "b_x");
    CHECK(both[1].at("waiting_for") == Json{"release later"});
    CHECK(place.json({"status", "users_email"}).at("runs").at(0).at("waiting_for") == Json{"release 2026.12"});
    const Json which = place.json({"advance", "--yes"}, 2).at("error");
    CHECK(which.at("code") == "run.unknown");
    CHECK(which.at("message").get<std::string>().find("3 runs are under way: a_x-") == 0);

    const Json releases = place.json({"release", "list"}).at("releases");
    REQUIRE(releases.size() == 4);
    CHECK(releases[0].at("release") == "2026.12");
    CHECK(releases[0].at("gates").at(0).at("state") == "awaited");
    CHECK(releases[1].at("release") == "2027.01");
    CHECK(releases[1].at("gates").at(0).at("state") == "later");
    CHECK(releases[2].at("release") == "later");
    CHECK(releases[3].at("gates").at(0).at("state") == "open");
  }

  TEST_CASE("of several runs one that fails does not keep the others, and one of another database is passed over") {
    const Workspace place;
    const TestDatabase other(Server::any());
    place.database().exec("CREATE TABLE a (x int); CREATE TABLE b (x int)");
    other.exec("CREATE TABLE c (x int)");
    const auto start = [&](const std::string& table, const std::string& url) {
      place.write(table + ".sql", "-- falsework: name=" + table + "_x switch=r1 contract=r2\nALTER TABLE " + table +
                                      " RENAME COLUMN x TO y;\n");
      REQUIRE(place.run({"plan", table + ".sql", "-d", url, "-o", table + ".json"}).status == 0);
      REQUIRE(place.run({"apply", table + ".json", "--yes", "-d", url}).status == 0);
      REQUIRE(place.run({"advance", table + "_x", "--release", "r1", "--yes", "-d", url}).status == 0);
    };
    start("a", place.url());
    start("c", other.url());
    start("b", place.url());
    Client blocker = place.database().connect();
    blocker.exec("BEGIN; LOCK TABLE a IN ROW EXCLUSIVE MODE");
    const Json results = place
                             .json({"advance", "--release", "r2", "--confirm", "a_x", "--confirm", "b_x", "--confirm",
                                    "c_x", "--yes", "--lock-timeout", "50ms", "--lock-budget", "300ms"},
                                   75)
                             .at("results");
    REQUIRE(results.size() == 2);
    CHECK(results[0].at("name") == "a_x");
    CHECK(results[0].at("error").at("code") == "lock.budget_exhausted");
    CHECK(results[0].at("outcome").is_null());
    CHECK(results[1].at("name") == "b_x");
    CHECK(results[1].at("outcome") == "done");
    CHECK(place.json({"status", "c_x"}).at("runs").at(0).at("waiting_for") == Json{"release r2"});
    const Json elsewhere = place.json({"advance", "c_x", "--release", "r2", "--confirm", "c_x", "--yes"}, 3);
    CHECK(elsewhere.at("error").at("code") == "database.foreign");
  }

  TEST_CASE("a target before the gate is where it stops") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"rollback", "users_email", "--to-phase", "dual_write", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"status"}).at("runs").at(0).at("phase") == "backfill");
    CHECK(columns(place) == "email,email_address,id,phone");
    const Json there = place.json({"advance", "users_email", "--phase", "backfill", "--yes", "-q"});
    CHECK(there.at("results").at(0).at("outcome") == "target_reached");
    CHECK(there.at("results").at(0).at("phase") == "validate");
    REQUIRE(place.run({"rollback", "users_email", "--to-phase", "dual_write", "--yes", "-d", place.url()}).status == 0);
    const Json step =
        place.json({"advance", "users_email", "--step", "users.email_address/backfill/copy", "--yes", "-q"});
    CHECK(step.at("results").at(0).at("outcome") == "target_reached");
  }

  TEST_CASE("rollback undoes everything, and a second apply begins anew") {
    const Workspace place;
    place.make_users();
    place.plan();
    const std::string before = place.run({"snapshot", "users", "-d", place.url()}).out;
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    const std::string run = place.only_run();
    const Json would = place.json({"rollback", run, "--dry-run"}).at("dry_run").at(0);
    CHECK(would.at("undo") == true);
    CHECK(!would.at("steps").empty());
    CHECK(columns(place) == "email,email_address,id,phone");
    CHECK(place.json({"rollback", run, "--yes", "-q"}).at("results").at(0).at("outcome") == "rolled_back");
    const std::string after = place.run({"snapshot", "users", "-d", place.url()}).out;
    CHECK(pg::compare(pg::parse_snapshot(before, "before"), pg::parse_snapshot(after, "after")).empty());
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"status"}).at("runs").size() == 2);
  }

  TEST_CASE("a run past the point of no return is refused its rollback before anybody reads what it would undo") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
    for (const char* release : {"2026.12", "2027.01"}) {
      REQUIRE(place.run({"advance", "--release", release, "--confirm", "users_email", "--yes", "-q", "-d", place.url()})
                  .status == 0);
    }
    const ProcessResult refused = place.run({"rollback", "users_email", "--yes", "-d", place.url()});
    CHECK(refused.status == 3);
    CHECK(refused.err.find("to undo") == std::string::npos);
    CHECK(refused.err.find("cannot be undone: The old column is gone") != std::string::npos);
    CHECK(refused.err.find("hint: The run is over. The way back is a migration of its own, from the new shape to the "
                           "old one.") != std::string::npos);
    const Json dry = place.json({"rollback", "users_email", "--dry-run"});
    CHECK(dry.at("dry_run").at(0).at("steps").at(0).at("irreversible") == true);
  }

  TEST_CASE("drift names what differs from the plan, or from what the run left") {
    const Workspace place;
    place.make_users();
    place.plan();
    CHECK(place.json({"drift", "plan.json"}).at("drift").empty());
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"drift"}).at("drift").empty());
    place.database().exec("CREATE INDEX stray ON users (phone)");
    CHECK(place.json({"drift"}, 5).at("drift") == Json{"users: index stray new"});
    const ProcessResult text = place.run({"drift", "users_email", "-d", place.url()});
    CHECK(text.status == 5);
    CHECK(text.out == "users: index stray new\n");
    CHECK(place.json({"drift", "plan.json"}, 5).at("drift").size() > 1);
  }

  TEST_CASE("the history holds every step once, and notices when it was changed") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    const Json history = place.json({"history", "users_email", "--verify"});
    CHECK(history.at("problems").empty());
    CHECK(history.at("events").at(0).at("event") == "run_created");
    CHECK(history.at("events").back().at("event") == "run_waiting");
    std::multiset<std::string> done;
    for (const Json& event : history.at("events")) {
      if (event.at("event") == "step_done") done.insert(event.at("step").get<std::string>());
    }
    CHECK(done.count("users.email_address/backfill/copy") == 1);
    const char* const kTamper =
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        "guard = c.execute(\"SELECT sql FROM sqlite_schema WHERE name = 'event_update'\").fetchone()[0]\n"
        "c.execute('DROP TRIGGER event_update')\n"
        "c.execute(\"UPDATE event SET actor = 'nobody' WHERE serial = 2\")\n"
        "c.execute(guard)\n"
        "c.commit()\n";
    const ProcessResult tampered = run_process({"python3", "-c", kTamper, place.path(".falsework/state.db").string()});
    CAPTURE(tampered.err);
    REQUIRE(tampered.status == 0);
    CHECK(place.json({"history", "--verify"}, 5).at("problems").at(0) == "event 2 was changed");
  }

  TEST_CASE("a signal stops at a safe point, and the run goes on from there") {
    struct Case {
      int signal, status;
      const char* code;
    };
    for (const Case& c : {Case{SIGINT, 130, "stopped.interrupt"}, Case{SIGTERM, 143, "stopped.terminate"}}) {
      CAPTURE(c.status);
      const Workspace place;
      place.make_users();
      place.plan();
      Client blocker = place.database().connect();
      blocker.exec("BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE");
      const auto process = place.start({"apply", "plan.json", "--yes", "--json", "-d", place.url()});
      REQUIRE(wait_until([&] { return process->err().find("waits for a lock") != std::string::npos; }));
      REQUIRE(wait_until([&] { return process->err().find("held by ") != std::string::npos; }));
      process->signal(c.signal);
      const ProcessResult stopped = process->wait();
      CHECK(stopped.status == c.status);
      CHECK(Json::parse(stopped.out).at("error").at("code") == c.code);
      CHECK(place.json({"status"}).at("runs").at(0).at("state") == "paused");
      blocker.exec("ROLLBACK");
      CHECK(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
      CHECK(place.json({"status"}).at("runs").size() == 1);
    }
  }

  TEST_CASE("a lock that is not had within the budget is a temporary failure") {
    const Workspace place;
    place.make_users();
    place.plan();
    Client blocker = place.database().connect();
    blocker.exec("BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE");
    // Longer than the program takes to begin: preflight already refuses to wait for who has had it longer than that.
    const Json failed =
        place.json({"apply", "plan.json", "--yes", "-q", "--lock-timeout", "50ms", "--lock-budget", "2s"}, 75);
    CHECK(failed.at("error").at("code") == "lock.budget_exhausted");
  }

  TEST_CASE("a run whose engine was killed is shown as paused") {
    const Workspace place;
    place.make_users();
    place.plan();
    const auto process = place.start({"apply", "plan.json", "--yes", "-d", place.url()},
                                     {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", "step.intent.after=kill"}});
    REQUIRE(process->wait().status == 128 + SIGKILL);
    CHECK(place.json({"status"}).at("runs").at(0).at("state") == "paused");
    CHECK(place.run({"advance", "--yes", "-d", place.url()}).status == 0);
    CHECK(place.json({"status"}).at("runs").at(0).at("state") == "waiting");
  }
}

}  // namespace falsework::test
