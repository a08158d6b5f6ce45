#include <doctest/doctest.h>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

struct Refusal {
  std::string code, message, hint;
  bool operator==(const Refusal&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << refusal.code << " | " << refusal.message << " | " << refusal.hint;
}

Refusal refusal_of(const ProcessResult& result) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  const Json error = Json::parse(result.out).at("error");
  return {error.at("code"), error.at("message"), error.at("hint")};
}

// What is refused, and that it is said to people in the same words.
void check_refusal(const Workspace& place, std::vector<std::string> arguments, int status, const Refusal& expected) {
  const ProcessResult for_people = place.run(arguments);
  CHECK(for_people.status == status);
  const std::string end = "falsework: " + expected.message + "\n" + "hint: " + expected.hint + "\n";
  CAPTURE(for_people.err);
  CHECK(for_people.err.size() >= end.size());
  CHECK(for_people.err.substr(for_people.err.size() - std::min(end.size(), for_people.err.size())) == end);
  arguments.emplace_back("--json");
  const ProcessResult as_json = place.run(arguments);
  CHECK(as_json.status == status);
  CHECK(refusal_of(as_json) == expected);
}

}  // namespace

TEST_SUITE("engine/cli/bad_input") {
  TEST_CASE("each kind of bad declaration is refused with exit code 2, where and why") {
    struct Case {
      const char* text;
      Refusal expected;
    };
    const std::vector<Case> cases{
        {R"({"name": "x", "changes": [)",
         {"declaration.invalid",
          "bad.json:1:27: malformed JSON: unexpected end of input; expected '[', '{', or a literal",
          "The file ends too early: close every object, array and string."}},
        {R"({"name": "x", "changez": []})",
         {"declaration.invalid", "bad.json: unknown key \"changez\"", "Did you mean \"changes\"?"}},
        {R"({"changes": [{"rename_column": {"table": "nobody", "from": "a", "to": "b"}}]})",
         {"object.missing", "bad.json:/changes/0/rename_column: no table nobody",
          "Check the name; schemas searched: public."}},
        {R"({"changes": [{"rename_column": {"table": 7, "from": "a", "to": "b"}}]})",
         {"declaration.invalid", "bad.json:/changes/0/rename_column/table: expected a string, found a number",
          "\"table\" is the table, a string such as \"users\" or \"app.users\"."}},
    };
    const Workspace place;
    place.make_users();
    for (const Case& c : cases) {
      CAPTURE(c.text);
      place.write("bad.json", c.text);
      check_refusal(place, {"plan", "bad.json", "-d", place.url()}, 2, c.expected);
    }
  }

  TEST_CASE("a plan that was changed after it was made is neither run nor shown") {
    const Workspace place;
    place.make_users();
    place.plan();
    std::string text = place.read("plan.json");
    const std::size_t at = text.find("DROP COLUMN");
    REQUIRE(at != std::string::npos);
    text.replace(at, 11, "drop column");
    place.write("plan.json", text);
    const Refusal expected{"plan.digest_mismatch", "plan.json: the plan of users_email does not match its digest",
                           "It was changed after it was made. Plan again, and have the new plan reviewed."};
    check_refusal(place, {"apply", "plan.json", "--yes", "-d", place.url()}, 3, expected);
    check_refusal(place, {"runbook", "plan.json"}, 3, expected);
    CHECK(!std::filesystem::exists(place.path(".falsework")));
  }

  TEST_CASE("a plan is not applied to a catalog that has drifted from it") {
    const Workspace place;
    place.make_users();
    place.plan();
    place.database().exec("ALTER TABLE users ADD COLUMN extra int");
    check_refusal(place, {"apply", "plan.json", "--yes", "-d", place.url()}, 3,
                  {"plan.stale", "the catalog has drifted: users: column extra new",
                   "Nothing was changed. Make the plan anew with: falsework plan."});
  }

  TEST_CASE("a phase behind a closed gate is refused, and the gate is named") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    const std::string run = place.only_run();
    check_refusal(place, {"advance", run, "--phase", "switch", "--yes", "-d", place.url()}, 3,
                  {"gate.closed", "the gate users_email/switch/gate is closed: release 2026.12",
                   "Open it first, with: falsework advance " + run + " --release 2026.12."});
  }

  TEST_CASE("what is no ledger is refused, and a ledger that is not there is not made up") {
    const Workspace place;
    place.write("notes.txt", "not a ledger");
    check_refusal(place, {"status", "--state", "notes.txt"}, 3,
                  {"ledger.unusable",
                   "the ledger " + std::filesystem::canonical(place.path("notes.txt")).string() +
                       " is not a ledger: it is no SQLite file",
                   "Name another file with --state, or set FALSEWORK_STATE."});
    CHECK(place.read("notes.txt") == "not a ledger");
    check_refusal(place, {"status", "--state", "absent.db"}, 2,
                  {"file.unreadable", "there is no ledger at absent.db",
                   "Start a run with `falsework apply`, or name the ledger's file with --state."});
    CHECK(!std::filesystem::exists(place.path("absent.db")));
    check_refusal(place, {"status", "--state", "postgres"}, 2,
                  {"usage", "a ledger in the database (--state postgres) is not available in this version",
                   "Name a file, or leave --state out: a ledger at .falsework/state.db is used then."});
  }

  TEST_CASE("a server that does not answer is a temporary failure") {
    const Workspace place;
    place.write("rename.sql", kRename);
    check_refusal(place, {"plan", "rename.sql", "-d", "postgresql://owner@127.0.0.1:1/shop"}, 75,
                  {"database.unreachable", "cannot connect to owner@127.0.0.1:1/shop: Connection refused",
                   "Check that the server runs there and accepts connections."});
  }

  TEST_CASE("a role that may not create the journal is told what it lacks") {
    Workspace place;
    place.make_users();
    place.plan();
    const std::string role = place.database().add_role("reader");
    const ProcessResult result =
        place.run({"apply", "plan.json", "--yes", "--json", "-d", place.database().url_as(role)});
    CHECK(result.status == 2);
    const Refusal refusal = refusal_of(result);
    CHECK(refusal.code == "privilege.missing");
    CHECK(refusal.message.find(role) != std::string::npos);
    CHECK(refusal.hint.find("GRANT") != std::string::npos);
  }

  TEST_CASE("a superuser is refused unless that is asked for") {
    Workspace place;
    place.make_users();
    place.plan();
    const std::string url = place.database().superuser_url();
    const ProcessResult refused = place.run({"apply", "plan.json", "--yes", "--json", "-d", url});
    CHECK(refused.status == 3);
    CHECK(refusal_of(refused).code == "role.superuser");
    CHECK(place.run({"apply", "plan.json", "--yes", "--allow-superuser", "-d", url}).status == 0);
  }

  TEST_CASE("the command line itself is refused in words that lead on") {
    struct Case {
      std::vector<std::string> arguments;
      const char* message;
      const char* hint;
    };
    const std::vector<Case> cases{
        {{"aply"}, "there is no command aply", "Did you mean \"apply\"?"},
        {{"release"}, "there is no command release", "Did you mean \"release list\"?"},
        {{"frobnicate"}, "there is no command frobnicate", "See: falsework --help."},
        {{"-d", "x", "status"},
         "-d stands where the command should be",
         "Write the command first, as in: falsework status --json."},
        {{"status", "--jsn"}, "falsework status has no option --jsn", "Did you mean \"--json\"?"},
        {{"status", "--js"}, "falsework status has no option --js", "See: falsework status --help."},
        {{"status", "--words", "x"}, "falsework status has no option --words", "See: falsework status --help."},
        {{"status", "one", "two"},
         "falsework status does not know what to do with two",
         "See: falsework status --help."},
        {{"apply"}, "falsework apply needs PLAN", "See: falsework apply --help."},
        {{"status", "--state", "a", "--state", "b"},
         "--state is given 2 times",
         "Give it once; nothing of it was used."},
        {{"plan", "x.sql", "--snapshot", "s.json", "-d", "postgresql://h/d"},
         "both --snapshot and --database are given",
         "A plan is made from the one or from the other."},
        {{"drift", "x", "-d", ""},
         "--database is empty",
         "A variable that is not set, perhaps. Leave -d out to use DATABASE_URL or libpq's own environment."},
        {{"runbook", "plan.json", "--format", "pdf"},
         "pdf is no format of a runbook",
         "Use --format md, html, mermaid or dot."},
        {{"advance", "--phase", "a", "--to-end"},
         "more than one of --phase, --step and --to-end is given",
         "Name one place to stop at."},
        {{"advance", "--phase", "swich"}, "--phase swich is no phase", "Did you mean \"switch\"?"},
        {{"rollback", "x", "--to-phase", "expand", "--step", "y"},
         "both --to-phase and --step are given",
         "Name one place to go back to."},
        {{"snapshot", "a.b.c"},
         "a.b.c is no name of a table",
         "Write it as in SQL: users, billing.orders or '\"Order Lines\"'."},
    };
    const Workspace place;
    const ProcessResult nothing = place.run({});
    CHECK(nothing.status == 2);
    CHECK(nothing.err == "falsework: no command is given\nhint: See: falsework --help.\n");
    for (const Case& c : cases) {
      CAPTURE(c.message);
      check_refusal(place, c.arguments, 2, {"usage", c.message, c.hint});
    }
  }

  TEST_CASE("a duration needs a unit") {
    const Workspace place;
    place.make_users();
    place.plan();
    check_refusal(
        place, {"apply", "plan.json", "--yes", "--lock-timeout", "500", "-d", place.url()}, 2,
        {"usage", "--lock-timeout 500 is no duration", "Write a number and a unit, as in 250ms, 5s, 3m or 2h."});
  }

  TEST_CASE("without a terminal nothing is changed unless --yes is given") {
    const Workspace place;
    place.make_users();
    place.plan();
    check_refusal(place, {"apply", "plan.json", "-d", place.url()}, 2,
                  {"usage", "there is no terminal to ask on, and --yes is not given",
                   "See what it would do with: falsework apply … --dry-run; then give --yes."});
    CHECK(place.database().connect().value("SELECT count(*) FROM pg_namespace WHERE nspname = 'falsework'") == "0");
  }

  TEST_CASE("a step and a run that do not exist are refused, and the nearest is named") {
    const Workspace place;
    place.make_users();
    place.plan();
    check_refusal(place, {"explain", "plan.json", "users.email_address/backfill/cpoy"}, 2,
                  {"step.unknown", "the plan users_email has no step users.email_address/backfill/cpoy",
                   "Did you mean \"users.email_address/backfill/copy\"?"});
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
    check_refusal(place, {"status", "user_email"}, 2,
                  {"run.unknown", "there is no run user_email in the ledger .falsework/state.db",
                   "Did you mean \"users_email\"?"});
  }

  TEST_CASE("results that cannot be written are no success") {
    const Workspace place;
    const ProcessResult result =
        run_process({"/bin/sh", "-c", std::string(FALSEWORK_PROGRAM) + " status --json > /dev/full"},
                    {{{"FALSEWORK_STATE", ""}}, place.path("."), ""});
    CHECK(result.status == 2);
    CHECK(result.err.find("falsework: cannot write standard output") == 0);
  }
}

}  // namespace falsework::test
