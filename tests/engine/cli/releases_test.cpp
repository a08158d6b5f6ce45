// The release train as a person at a shell runs it: what was said, and what was taken back.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

void apply_with(const Workspace& place, const std::string& options) {
  place.make_users();
  place.plan("-- falsework: name=users_email switch=2026.12 contract=2027.01 " + options +
             "\nALTER TABLE users RENAME COLUMN email TO email_address;\n");
  REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
}

Json say(const Workspace& place, const std::string& release) {
  return place.json({"advance", "--release", release, "--confirm", "users_email", "--yes", "-q"}).at("results");
}

Json waiting_for(const Workspace& place) { return place.json({"status"}).at("runs").at(0).at("waiting_for"); }

}  // namespace

TEST_SUITE("engine/cli/releases") {
  TEST_CASE("a release that was said to be out too early is withdrawn, and its gate is closed until it is said again") {
    const Workspace place;
    apply_with(place, "");
    CHECK(place.json({"advance", "--release", "2027.01", "--yes", "-q"}).at("results").empty());
    const Json withdrawn = place.json({"release", "withdraw", "2027.01", "--reason", "2026.12 was meant"});
    CHECK(withdrawn.at("release") == "2027.01");
    CHECK(withdrawn.at("recorded") == "withdrawn");
    CHECK(withdrawn.at("gates").at(0).at("state") == "later");
    const Json listed = place.json({"release", "list"});
    for (const Json& release : listed.at("releases")) {
      CHECK(release.at("out_since").is_null());
    }
    CHECK(say(place, "2026.12").at(0).at("waiting_for") == Json{"release 2027.01"});
    CHECK(say(place, "2027.01").at(0).at("outcome") == "done");
    CHECK(place.database().connect().value(
              "SELECT string_agg(concat_ws(' ', subject, nullif(step, ''), nullif(comment, '')), ', ' ORDER BY serial) "
              "FROM falsework.fact WHERE kind = 'release' AND subject = '2027.01'") ==
          "2027.01, 2027.01 withdrawn 2026.12 was meant, 2027.01");
  }

  TEST_CASE("a withdrawal ends a soak that the release has begun, and stands in the history of the run that waits") {
    const Workspace place;
    apply_with(place, "switch_soak=1s contract_soak=7d");
    CHECK(say(place, "2026.12").at(0).at("waiting_for") == Json{"soak 1s"});
    const ProcessResult told = place.run({"release", "withdraw", "2026.12", "-d", place.url()});
    CHECK(told.status == 0);
    CHECK(told.out == "release 2026.12 is withdrawn: it counts as not out\nrun " + place.only_run() +
                          ", gate users_email/switch/gate: waits for it again\n");
    CHECK(waiting_for(place) == Json{"release 2026.12", "soak 1s"});
    const Json last = place.json({"history"}).at("events").back();
    CHECK(last.at("event") == "run_waiting");
    CHECK(last.at("detail") == "users_email/switch/gate: release 2026.12, soak 1s (release 2026.12 was withdrawn)");
    CHECK(last.at("actor").get<std::string>().find('@') != std::string::npos);
    place.database().exec("SELECT pg_sleep(1.1)");
    CHECK(place.json({"advance", "--yes", "-q"}, 3).at("error").at("code") == "gate.closed");
    CHECK(place.json({"history", "--verify"}).at("problems").empty());
  }

  TEST_CASE("a gate that was passed stays open, is named, and a rollback goes back through it") {
    const Workspace place;
    apply_with(place, "");
    REQUIRE(say(place, "2026.12").at(0).at("outcome") == "at_gate");
    const ProcessResult told = place.run({"release", "withdraw", "2026.12", "-d", place.url()});
    CHECK(told.status == 0);
    const std::string back = "falsework rollback " + place.only_run() + " --step users_email/switch/gate";
    CHECK(told.out.find("was passed and stays open; go back with: " + back + "\n") != std::string::npos);
    CHECK(waiting_for(place) == Json{"release 2027.01"});
    REQUIRE(place.run({"rollback", place.only_run(), "--step", "users_email/switch/gate", "--yes", "-d", place.url()})
                .status == 0);
    CHECK(waiting_for(place) == Json{"release 2026.12"});
  }

  TEST_CASE("a release that is not out cannot be withdrawn, and those that are out are named") {
    const Workspace place;
    const std::vector<std::string> withdraw{"release", "withdraw", "2026.21"};
    apply_with(place, "");
    Json error = place.json(withdraw, 2).at("error");
    CHECK(error.at("code") == "object.missing");
    CHECK(error.at("message") == "release 2026.21 is not out: there is nothing to withdraw");
    CHECK(error.at("hint") == "Nobody has said of any release that it is out.");
    say(place, "2026.12");
    CHECK(place.json(withdraw, 2).at("error").at("hint") == "These are out: 2026.12.");
    place.json({"release", "withdraw", "2026.12"});
    CHECK(place.json({"release", "withdraw", "2026.12"}, 2).at("error").at("code") == "object.missing");
  }
}

}  // namespace falsework::test
