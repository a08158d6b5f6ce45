// What somebody changes behind a run's back is named before the next step, and is no fault of the step.
#include <doctest/doctest.h>

#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

TEST_SUITE("engine/cli/drift") {
  TEST_CASE(
      "what a run relies on and somebody changed is named before the next step, and the step runs once it is back") {
    struct Case {
      const char* change;
      const char* back;  // empty: cannot be brought back
      const char* named;
    };
    const Case cases[] = {
        {"ALTER TABLE users RENAME COLUMN email TO mail", "ALTER TABLE users RENAME COLUMN mail TO email",
         "users: column email gone; users: column mail new"},
        {"ALTER TABLE users RENAME TO people", "ALTER TABLE people RENAME TO users", "users: table gone"},
        {"ALTER TABLE users SET SCHEMA elsewhere", "ALTER TABLE elsewhere.users SET SCHEMA public",
         "users: table gone"},
        {"CREATE INDEX stray ON users (phone)", "DROP INDEX stray", "users: index stray new"},
        {"DO $$DECLARE t text; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT "
         "tgisinternal LOOP EXECUTE format('ALTER TABLE users DISABLE TRIGGER %I', t); END LOOP; END$$",
         "DO $$DECLARE t text; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT "
         "tgisinternal LOOP EXECUTE format('ALTER TABLE users ENABLE ALWAYS TRIGGER %I', t); END LOOP; END$$",
         "users: trigger ~_fw_"},
        {"DO $$DECLARE f oid; BEGIN SELECT tgfoid INTO f FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT "
         "tgisinternal LIMIT 1; EXECUTE format('CREATE OR REPLACE FUNCTION %s RETURNS trigger LANGUAGE plpgsql AS "
         "''BEGIN RETURN NEW; END''', f::regprocedure); END$$",
         "", "users: trigger ~_fw_"},
        {"ALTER TABLE users DROP COLUMN email_address CASCADE", "", "users: column email_address gone"},
    };
    Workspace place;
    place.make_users();
    place.database().exec("CREATE SCHEMA elsewhere");
    place.plan();
    const ProcessResult killed =
        place
            .start({"apply", "plan.json", "--yes", "-q", "-d", place.url()},
                   {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", "backfill.committed=kill"}})
            ->wait();
    REQUIRE(killed.status == 128 + 9);
    for (const Case& c : cases) {
      CAPTURE(c.change);
      place.database().exec(c.change);
      const Json error = place.json({"advance", "--yes", "-q"}, 3).at("error");
      CHECK(error.at("code") == "plan.stale");
      CAPTURE(error.dump());
      CHECK(error.at("message").get<std::string>().find(std::string("the catalog has drifted: ")) == 0);
      CHECK(error.at("message").get<std::string>().find(c.named) != std::string::npos);
      if (*c.back != '\0') {
        place.database().exec(c.back);
        CHECK(place.json({"drift"}).at("drift").empty());
      }
    }
  }

  TEST_CASE("a table that is renamed in the middle of a step is drift, and no failure of the step") {
    const Workspace place;
    place.make_users();
    place.plan();
    const auto engine = place.start({"apply", "plan.json", "--yes", "-q", "--json", "-d", place.url()},
                                    {{"FALSEWORK_TEST_HOOKS", "1"},
                                     {"FALSEWORK_FAIL", "backfill.cursor=sleep:2000"},
                                     {"FALSEWORK_FAIL_TRACE", place.path("trace").string()}});
    REQUIRE(wait_until([&] { return place.read("trace").find("backfill.cursor") != std::string::npos; },
                       std::chrono::seconds(60)));
    place.database().exec("ALTER TABLE users RENAME TO people");
    const ProcessResult stopped = engine->wait();
    CAPTURE(stopped.out);
    REQUIRE(stopped.status == 3);
    CHECK(Json::parse(stopped.out).at("error").at("code") == "plan.stale");
    place.database().exec("ALTER TABLE people RENAME TO users");
    CHECK(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
  }

  TEST_CASE("a table that is renamed is drift for the way back, too, which goes on once it is back") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
    const std::string run = place.only_run();
    const struct {
      const char *change, *back, *named;
    } cases[] = {{"ALTER TABLE users RENAME TO people", "ALTER TABLE people RENAME TO users", "users: table gone"},
                 {"ALTER TABLE users RENAME COLUMN email_address TO mail",
                  "ALTER TABLE users RENAME COLUMN mail TO email_address", "users: column email_address gone"}};
    for (const auto& c : cases) {
      CAPTURE(c.change);
      place.database().exec(c.change);
      const Json error = place.json({"rollback", run, "--yes", "-q"}, 3).at("error");
      CAPTURE(error.dump());
      CHECK(error.at("code") == "plan.stale");
      CHECK(error.at("message").get<std::string>().find(std::string("the catalog has drifted: ") + c.named) == 0);
      CHECK(error.at("hint") ==
            "Nothing was changed by this step. Undo that change, then run: falsework rollback " + run + ".");
      place.database().exec(c.back);
    }
    CHECK(place.run({"rollback", run, "--yes", "-q", "-d", place.url()}).status == 0);
  }

  TEST_CASE("a run that is rolled back has nothing to show, to ask or to do") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
    REQUIRE(place.run({"rollback", "users_email", "--yes", "-q", "-d", place.url()}).status == 0);
    const ProcessResult advanced = place.run({"advance", "users_email", "--yes", "-d", place.url()});
    CHECK(advanced.status == 0);
    CHECK(advanced.out.find("is rolled back: there is nothing to do") != std::string::npos);
    CHECK(advanced.err.find("to run") == std::string::npos);
    CHECK(place.json({"advance", "users_email", "--dry-run"}).at("dry_run").at(0).at("steps").empty());
  }
}

}  // namespace falsework::test
