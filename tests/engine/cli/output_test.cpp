// Where the output goes, as a person at a shell sends it.
#include <doctest/doctest.h>

#include <string>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

// Runs a line of bash in which "$falsework" is the program and $url the database.
ProcessResult shell(const Workspace& place, const std::string& line) {
  ProcessOptions options;
  options.directory = place.path("");
  for (const char* name : {"DATABASE_URL", "FALSEWORK_STATE", "PGPASSWORD"}) options.environment[name] = "";
  options.environment["falsework"] = FALSEWORK_PROGRAM;
  options.environment["url"] = place.url();
  return run_process({"bash", "-c", line}, options);
}

// What a command says whose reader is gone before it begins to write, and how it ends.
ProcessResult unread(const Workspace& place, const std::string& command) {
  return shell(place, "{ sleep 0.3; \"$falsework\" " + command + "; echo \"ended with $?\" >&2; } | true");
}

}  // namespace

TEST_SUITE("engine/cli/output") {
  TEST_CASE("a pipe that nobody reads any more ends a command without a word, with its own exit code") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    for (const char* command : {"history", "history --json", "status", "explain plan.json", "release list",
                                "runbook plan.json", "--help", "--version"}) {
      CAPTURE(command);
      CHECK(unread(place, command).err == "ended with 0\n");
    }
    // Its findings are told by the exit code alone.
    place.database().exec("CREATE INDEX late ON users (phone)");
    CHECK(unread(place, "drift -d \"$url\" users_email").err == "ended with 5\n");
  }

  TEST_CASE("what changes a database goes on to its end when nobody reads what it says") {
    const Workspace place;
    place.make_users();
    place.plan();
    CHECK(unread(place, "apply plan.json --yes -q -d \"$url\"").err == "ended with 0\n");
    CHECK(place.json({"status"}).at("runs").at(0).at("state") == "waiting");
  }

  TEST_CASE("a watch ends when nobody reads it any more") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    CHECK(shell(place,
                "{ timeout 30 \"$falsework\" status --watch --interval 100ms; echo \"ended with $?\" >&2; } | head -1 "
                ">/dev/null")
              .err == "ended with 0\n");
  }

  TEST_CASE("output that is lost for another reason is an error still") {
    const Workspace place;
    const ProcessResult full = shell(place,
                                     "\"$falsework\" history --state none.db --help > /dev/full; echo; "
                                     "\"$falsework\" release list > /dev/full");
    CHECK(full.status == 2);
    CHECK(full.err.find("cannot write standard output") != std::string::npos);
  }
}

}  // namespace falsework::test
