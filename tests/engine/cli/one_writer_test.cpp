// Who holds a run, or a table, and what becomes of the one that comes second.
#include <doctest/doctest.h>
#include <csignal>

#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

std::unique_ptr<Process> sleeping_engine(const Workspace& place, const std::string& point) {
  auto engine = place.start({"apply", "plan.json", "--yes", "-q", "-d", place.url()},
                            {{"FALSEWORK_TEST_HOOKS", "1"},
                             {"FALSEWORK_FAIL", point + "=sleep:6000"},
                             {"FALSEWORK_FAIL_TRACE", place.path("trace").string()}});
  REQUIRE(wait_until([&] { return place.read("trace").find(point) != std::string::npos; }, std::chrono::seconds(60)));
  return engine;
}

}  // namespace

TEST_SUITE("engine/cli/one_writer") {
  TEST_CASE("a run on a table that another engine is at work on is told who, where and since when, and to try again") {
    // From the moment at which the first run can be seen.
    for (const std::string point : {"start.journal", "backfill.begin"}) {
      CAPTURE(point);
      const Workspace place;
      place.make_users();
      place.plan();
      place.plan("-- falsework: name=users_phone switch=2027.05\nALTER TABLE users RENAME COLUMN phone TO telephone;\n",
                 "phone.json");
      const auto first = sleeping_engine(place, point);
      const Json error = place.json({"apply", "phone.json", "--yes", "-q"}, 75).at("error");
      CHECK(error.at("code") == "run.held");
      const std::string message = error.at("message");
      CAPTURE(message);
      CHECK(message.find("touches users, as run users_email-") != std::string::npos);
      CHECK(message.find("(" + std::to_string(first->pid()) + ") since 20") != std::string::npos);
      CHECK(message.find('@') != std::string::npos);
      CHECK(message.find("server process ") != std::string::npos);
      CHECK(first->wait().status == 0);
      // Nobody is at work any more, and still the table is taken: that is for a person to settle.
      CHECK(place.json({"apply", "phone.json", "--yes", "-q"}, 3).at("error").at("code") == "plan.conflict");
    }
  }

  TEST_CASE(
      "what an engine that stands still has left is ended on request, and it can change nothing when it wakes up") {
    const Workspace place;
    place.make_users();
    place.plan();
    const auto asleep = sleeping_engine(place, "step.sql");
    asleep->signal(SIGSTOP);
    const Json held = place.json({"apply", "plan.json", "--yes", "-q", "--patience", "200ms"}, 75).at("error");
    CHECK(held.at("code") == "run.held");
    const std::string message = held.at("message");
    CHECK(message.find("(" + std::to_string(asleep->pid()) + ") since 20") != std::string::npos);
    CHECK(message.find("(falsework apply") != std::string::npos);
    CHECK(held.at("hint").get<std::string>().find("--take-over") != std::string::npos);
    const ProcessResult next =
        place.run({"apply", "plan.json", "--yes", "-q", "--patience", "200ms", "--take-over", "-d", place.url()});
    CAPTURE(next.err);
    CHECK(next.status == 0);
    Client client = place.database().connect();
    const std::string before =
        client.value("SELECT md5(string_agg(h::text, '|' ORDER BY serial)) FROM falsework.history AS h");
    asleep->signal(SIGCONT);
    const ProcessResult awake = asleep->wait();
    CAPTURE(awake.err);
    CHECK(awake.status == 75);
    CHECK(awake.err.find("was taken over by ") != std::string::npos);
    CHECK(client.value("SELECT md5(string_agg(h::text, '|' ORDER BY serial)) FROM falsework.history AS h") == before);
  }

  TEST_CASE("tampering with the journal or the ledger is found by history --verify, and the entry named") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
    const Json whole = place.json({"history", "--verify"});
    CHECK(whole.at("problems").empty());
    CHECK(whole.at("journal_verified") == true);
    CHECK(Json::parse(place.run({"history", "--verify", "--json"}).out).at("journal_verified") == false);
    const std::string run = place.only_run();
    place.database().connect_as_superuser().exec(
        "UPDATE falsework.history SET rows = 0 WHERE event = 'done' AND rows > 0");
    const std::string changed = place.json({"history", "--verify"}, 5).at("problems").at(0);
    CHECK(changed.find("journal: run " + run + ": entry ") == 0);
    CHECK(changed.find(" was changed") != std::string::npos);
    // The ledger's last events cut off, with its triggers put back: its own chain is whole.
    place.write("cut.py",
                "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n"
                "guard = c.execute(\"SELECT sql FROM sqlite_schema WHERE name = 'event_delete'\").fetchone()[0]\n"
                "c.execute('DROP TRIGGER event_delete')\n"
                "c.execute('DELETE FROM event WHERE serial > 4')\nc.execute(guard)\nc.commit()\n");
    REQUIRE(
        run_process({"python3", place.path("cut.py").string(), place.path(".falsework/state.db").string()}).status ==
        0);
    CHECK(place.run({"history", "--verify", "--json"}).status == 0);
    const Json problems = place.json({"history", "--verify"}, 5).at("problems");
    CHECK(problems.back().get<std::string>().find("journal: run " + run + ": the ledger does not have event ") == 0);
  }
}

}  // namespace falsework::test
