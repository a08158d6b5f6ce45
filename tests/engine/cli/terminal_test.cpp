#include "engine/cli/terminal.h"

#include <doctest/doctest.h>

#include "tests/engine/cli/pseudo_terminal.h"
#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

std::unique_ptr<PseudoTerminal> at_terminal(const Workspace& place, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), FALSEWORK_PROGRAM);
  arguments.insert(arguments.end(), {"-d", place.url(), "--state", place.path("state.db").string()});
  return std::make_unique<PseudoTerminal>(arguments, place.path("."));
}

bool has_journal(const Workspace& place) {
  return place.database().connect().value("SELECT count(*) FROM pg_namespace WHERE nspname = 'falsework'") == "1";
}

}  // namespace

TEST_SUITE("engine/cli/terminal") {
  TEST_CASE("on a terminal the steps are shown, and nothing is done before the answer") {
    const Workspace place;
    place.make_users();
    place.plan();
    const auto terminal = at_terminal(place, {"apply", "plan.json"});
    REQUIRE(terminal->shows("Go on? [y/N]"));
    CHECK(terminal->screen().find("undo: ALTER TABLE public.users DROP COLUMN email_address") != std::string::npos);
    CHECK(terminal->screen().find("lock: ACCESS EXCLUSIVE") != std::string::npos);
    CHECK(!has_journal(place));
    terminal->type("y\n");
    CHECK(terminal->wait() == 0);
    CHECK(terminal->screen().find("users_email/switch/gate for release 2026.12") != std::string::npos);
    CHECK(has_journal(place));
  }

  TEST_CASE("any answer but yes changes nothing") {
    const Workspace place;
    place.make_users();
    place.plan();
    for (const char* answer : {"\n", "n\n", "maybe\n"}) {
      CAPTURE(answer);
      const auto terminal = at_terminal(place, {"apply", "plan.json"});
      REQUIRE(terminal->shows("Go on? [y/N]"));
      terminal->type(answer);
      CHECK(terminal->wait() == 3);
      CHECK(!has_journal(place));
    }
    const auto terminal = at_terminal(place, {"apply", "plan.json"});
    REQUIRE(terminal->shows("Go on? [y/N]"));
    terminal->type("\x03");
    CHECK(terminal->wait() == 130);
    CHECK(!has_journal(place));
  }

  TEST_CASE("what cannot be undone asks for the migration's name") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(at_terminal(place, {"apply", "plan.json", "--yes"})->wait() == 0);
    REQUIRE(at_terminal(place, {"advance", "--release", "2026.12", "--yes"})->wait() == 0);
    {
      const auto terminal = at_terminal(place, {"advance", "--release", "2027.01"});
      REQUIRE(terminal->shows("Type the migration's name"));
      terminal->type("y\n");
      CHECK(terminal->wait() == 3);
    }
    const auto terminal = at_terminal(place, {"advance", "--release", "2027.01"});
    REQUIRE(terminal->shows("Type the migration's name"));
    terminal->type("users_email\n");
    CHECK(terminal->wait() == 0);
    CHECK(terminal->screen().find("is done: the schema is as declared") != std::string::npos);
  }

  TEST_CASE("a copy shows a bar that is overprinted on a terminal, and lines elsewhere") {
    const Workspace place;
    place.make_users(20000);
    place.plan();
    const auto terminal = at_terminal(place, {"apply", "plan.json", "--yes"});
    CHECK(terminal->wait() == 0);
    CHECK(terminal->screen().find("\r\x1b[K") != std::string::npos);
    CHECK(terminal->screen().find("[########################] 100 %  20,000 of 20,000 rows") != std::string::npos);

    const Workspace elsewhere;
    elsewhere.make_users(20000);
    elsewhere.plan();
    const ProcessResult lines = elsewhere.run({"apply", "plan.json", "--yes", "-d", elsewhere.url()});
    CHECK(lines.status == 0);
    CHECK(lines.err.find('\r') == std::string::npos);
    CHECK(lines.err.find('\x1b') == std::string::npos);
    CHECK(lines.err.find(": users.email_address/backfill/copy: 100 %  20,000 of 20,000 rows") != std::string::npos);
    const ProcessResult quiet = elsewhere.run({"rollback", "users_email", "--yes", "--quiet", "-d", elsewhere.url()});
    CHECK(quiet.status == 0);
    CHECK(quiet.err.empty());
  }

  TEST_CASE("numbers are rendered for people, and only those that are known") {
    Progress progress;
    progress.rows = 90000;
    progress.total = 200000;
    CHECK(cli::render_numbers(progress) == " 45 %  90,000 of 200,000 rows");
    progress.blocks = 1;
    progress.total_blocks = 4;
    progress.rate = 51000;
    progress.eta_s = 65;
    progress.wal_rate = 1048576;
    progress.hot_share = 0.815;
    progress.throttled_by = {"replica lag 12s", "an old snapshot"};
    CHECK(cli::render_numbers(progress) ==
          " 25 %  90,000 of 200,000 rows, 51,000 rows/s, 1.0 MiB/s WAL, 82 % HOT, 1m 5s left, held back: replica lag "
          "12s; "
          "an old snapshot");
    CHECK(cli::render_numbers(Progress{}) == "  0 %  0 of 0 rows");
  }

  TEST_CASE("a bar leaves out what a narrow terminal has no room for, and why the copy is held back last") {
    Progress progress;
    progress.rows = 90000;
    progress.blocks = 1;
    progress.total_blocks = 4;
    progress.total = 200000;
    progress.rate = 51000;
    progress.eta_s = 65;
    progress.wal_rate = 1048576;
    progress.hot_share = 0.815;
    progress.throttled_by = {"paused by ann@host since 2026-11-29T21:43:03.837Z"};
    const std::string held = ", held back: paused by ann@host since 2026-11-29T21:43:03.837Z";
    const std::string shorter = " 25 %  90,000 of 200,000 rows, 51,000 rows/s, 1m 5s left" + held;
    const struct {
      std::size_t width;
      std::string line;
    } cases[] = {
        {220,
         "m-1: t/backfill/copy [######..................]  25 %  90,000 of 200,000 rows, 51,000 rows/s, 1.0 MiB/s "
         "WAL, 82 % HOT, 1m 5s left" +
             held},
        {180, "m-1: t/backfill/copy [######..................] " + shorter},
        {165, "t/backfill/copy [######..................] " + shorter},
        {150, "t/backfill/copy [##......] " + shorter},
        {140, "t/backfill/copy " + shorter},
        {100, "[##......]  25 %, 1m 5s left" + held},
        {50, "[##......]  25 %, 1m 5s left, held back: paused by"}};
    for (const auto& c : cases) {
      CAPTURE(c.width);
      CHECK(cli::render_bar("m-1", "t/backfill/copy", progress, c.width) == c.line);
    }
  }
}

}  // namespace falsework::test
