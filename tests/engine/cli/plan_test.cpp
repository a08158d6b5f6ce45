#include <doctest/doctest.h>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

const char* const kAllFour =
    "-- falsework: name=all_four switch=2026.12 contract=2027.01\n"
    "ALTER TABLE users RENAME COLUMN email TO email_address;\n"
    "ALTER TABLE orders ALTER COLUMN total TYPE bigint;\n"
    "ALTER TABLE users ALTER COLUMN phone SET NOT NULL; -- falsework: fill=''\n"
    "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);\n";

void make_shop(const Workspace& place) {
  place.make_users();
  place.database().exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total integer NOT NULL);"
      "CREATE INDEX ON orders (user_id);"
      "CREATE TABLE unrelated (id int)");
  place.database().exec("ANALYZE users, orders, unrelated");  // or the server does, between two looks
  place.write("all.sql", kAllFour);
}

std::string planned(const Workspace& place, std::vector<std::string> more) {
  std::vector<std::string> arguments{"plan", "all.sql"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProcessResult result = place.run(arguments);
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  REQUIRE(!result.out.empty());
  return result.out;
}

}  // namespace

TEST_SUITE("engine/cli/commands/plan") {
  TEST_CASE("planning twice gives the same bytes, from the server and from a snapshot") {
    const Workspace place;
    make_shop(place);
    const std::string live = planned(place, {"-d", place.url()});
    CHECK(planned(place, {"-d", place.url()}) == live);
    REQUIRE(place.run({"snapshot", "-d", place.url(), "-o", "all.snapshot.json"}).status == 0);
    REQUIRE(place.run({"snapshot", "users", "Orders", "-d", place.url(), "-o", "some.snapshot.json"}).status == 0);
    CHECK(place.read("all.snapshot.json") != place.read("some.snapshot.json"));
    CHECK(planned(place, {"--snapshot", "all.snapshot.json"}) == live);
    CHECK(planned(place, {"--snapshot", "some.snapshot.json"}) == live);
    CHECK(planned(place, {"--snapshot", "all.snapshot.json", "--json", "-o", "plan.json"}) == live);
    CHECK(place.read("plan.json") == live);
  }

  TEST_CASE("planning and looking change nothing, for they cannot") {
    const Workspace place;
    make_shop(place);
    const std::string before = place.run({"snapshot", "-d", place.url()}).out;
    place.plan();
    CHECK(place.run({"drift", "plan.json", "-d", place.url()}).status == 0);
    CHECK(place.run({"apply", "plan.json", "--dry-run", "-d", place.url()}).status == 0);
    CHECK(place.run({"snapshot", "-d", place.url()}).out == before);
    CHECK(place.database().connect().value("SELECT count(*) FROM pg_namespace WHERE nspname = 'falsework'") == "0");
    CHECK(!std::filesystem::exists(place.path(".falsework")));
  }

  TEST_CASE("--detailed-exitcode tells that there is something to do") {
    const Workspace place;
    make_shop(place);
    CHECK(place.run({"plan", "all.sql", "-d", place.url()}).status == 0);
    CHECK(place.run({"plan", "all.sql", "-d", place.url(), "--detailed-exitcode"}).status == 4);
  }

  TEST_CASE("the summary names each change, each gate and the next command") {
    const Workspace place;
    make_shop(place);
    const std::string out = place.run({"plan", "all.sql", "-d", place.url(), "-o", "all.plan.json"}).out;
    CAPTURE(out);
    for (const char* part : {"rename users.email to email_address", "set users.phone NOT NULL",
                             "all_four/switch/gate waits for release 2026.12",
                             "all_four/contract/gate waits for release 2027.01", "falsework apply all.plan.json",
                             "at most ACCESS EXCLUSIVE: blocks reads, writes, DDL on orders, users, a moment"}) {
      CAPTURE(part);
      CHECK(out.find(part) != std::string::npos);
    }
  }

  TEST_CASE("a declaration can come from standard input") {
    const Workspace place;
    make_shop(place);
    const ProcessResult result = place.run({"plan", "-", "-d", place.url()}, kRename);
    CHECK(result.status == 0);
    CHECK(Json::parse(result.out).at("name") == "users_email");
  }

  TEST_CASE("a step is explained, and its JSON is that of the plan") {
    const Workspace place;
    make_shop(place);
    place.plan();
    const Json plan = Json::parse(place.read("plan.json"));
    for (const Json& step : plan.at("steps")) {
      const std::string id = step.at("id");
      CAPTURE(id);
      CHECK(Json::parse(place.run({"explain", "plan.json", id, "--json"}).out) == step);
      const std::string text = place.run({"explain", "plan.json", id}).out;
      CHECK(text.find(id + ": " + step.at("title").get<std::string>()) == 0);
      CHECK(text.find(step.at("why").get<std::string>()) != std::string::npos);
    }
  }

  TEST_CASE("what is explained is said once, and a check says what it stops for") {
    const Workspace place;
    make_shop(place);
    REQUIRE(place.run({"plan", "all.sql", "-d", place.url(), "-o", "all.plan.json"}).status == 0);
    const auto explained = [&](const std::string& step) {
      const ProcessResult result = place.run({"explain", "all.plan.json", step});
      REQUIRE(result.status == 0);
      return result.out;
    };
    const std::string copy = explained("users/backfill/copy");
    CAPTURE(copy);
    CHECK(copy.find("UPDATE ONLY public.users") == copy.rfind("UPDATE ONLY public.users"));
    const std::string orphans = explained("orders.orders_user_id_fkey/expand/orphans");
    CAPTURE(orphans);
    CHECK(orphans.find(
              "where a row is found, the run stops: cannot add foreign key orders_user_id_fkey: {count} rows of "
              "orders reference nothing in users\n  Delete or mend these rows first: {samples}.") != std::string::npos);
    const std::string gate = explained("all_four/contract/gate");
    CAPTURE(gate);
    CHECK(gate.find("\nneeds: orders.total/switch/names\n") != std::string::npos);
    for (const std::string& text : {copy, orphans, gate}) CHECK(text.find("\n\n\n") == std::string::npos);
  }

  TEST_CASE("without a step the steps of a plan are listed, and so they are found when one is misspelled") {
    const Workspace place;
    make_shop(place);
    place.plan();
    const Json plan = Json::parse(place.read("plan.json"));
    const std::string text = place.run({"explain", "plan.json"}).out;
    const Json listed = Json::parse(place.run({"explain", "plan.json", "--json"}).out).at("steps");
    REQUIRE(listed.size() == plan.at("steps").size());
    for (std::size_t i = 0; i < listed.size(); ++i) {
      for (const char* key : {"id", "phase", "kind", "title"}) CHECK(listed[i].at(key) == plan.at("steps")[i].at(key));
      CHECK(text.find(std::to_string(i + 1) + ". " + listed[i].at("id").get<std::string>() + ": ") !=
            std::string::npos);
    }
    CHECK(text.find("dual_write:\n") != std::string::npos);
    const Json near = Json::parse(place.run({"explain", "plan.json", "users/backfill/cpy", "--json"}).out);
    CHECK(near.at("error").at("code") == "step.unknown");
    const Json far = Json::parse(place.run({"explain", "plan.json", "nothing of the kind", "--json"}).out);
    CHECK(far.at("error").at("hint") == "List its steps with: falsework explain plan.json.");
  }

  TEST_CASE("a runbook is the same document on stdout, in a file and in JSON") {
    const Workspace place;
    make_shop(place);
    place.plan();
    for (const char* format : {"md", "html", "mermaid", "dot"}) {
      CAPTURE(format);
      const std::string text = place.run({"runbook", "plan.json", "--format", format}).out;
      REQUIRE(!text.empty());
      REQUIRE(place.run({"runbook", "plan.json", "--format", format, "-o", "book"}).status == 0);
      CHECK(place.read("book") == text);
      CHECK(Json::parse(place.run({"runbook", "plan.json", "--format", format, "--json"}).out).at("text") == text);
    }
  }

  TEST_CASE("with -d the runbook is filled in with what the database says now, and without it is the plan's alone") {
    const Workspace place;
    place.make_users(250);
    Client owner = place.database().connect();
    owner.exec("CREATE VIEW mails AS SELECT email FROM users; CREATE TABLE pets (owner int REFERENCES users (id))");
    owner.exec("ANALYZE users");
    place.plan();
    Client idle = place.database().connect();
    idle.exec("BEGIN");
    idle.exec("LOCK TABLE users IN ACCESS SHARE MODE");
    const std::string alone = place.run({"runbook", "plan.json"}).out;
    CHECK(alone.find("As it was measured") == std::string::npos);
    const auto with_url = place.start({"runbook", "plan.json"}, {{"DATABASE_URL", place.url()}});
    CHECK(with_url->wait().out == alone);

    const ProcessResult result = place.run({"runbook", "plan.json", "-d", place.url()});
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    const std::string begin = alone.substr(0, alone.find("\n## Steps"));
    CHECK(result.out.find(begin) == 0);
    CHECK(result.out.find(alone.substr(begin.size())) != std::string::npos);
    const std::string measured = result.out.substr(begin.size(), result.out.find("\n## Steps") - begin.size());
    CHECK(measured.find("### As it was measured") != std::string::npos);
    CHECK(measured.find("| `users` | 250 | ") != std::string::npos);
    CHECK(measured.find("`view mails`") != std::string::npos);
    CHECK(measured.find("`foreign key pets_owner_fkey of pets`") != std::string::npos);
    CHECK(measured.find(place.url()) == std::string::npos);
    const std::string page = place.run({"runbook", "plan.json", "--format", "html", "-d", place.url()}).out;
    CHECK(page.find("As it was measured</h3>") != std::string::npos);
  }

  TEST_CASE("a word that is neither a plan's file nor a run is said to be unknown, with a ledger and without") {
    const Workspace place;
    make_shop(place);
    place.plan();
    CHECK(Json::parse(place.run({"runbook", "nothing.json", "--json"}).out).at("error").at("code") ==
          "file.unreadable");
    place.json({"apply", "plan.json", "--yes", "-q"});
    CHECK(Json::parse(place.run({"runbook", "nothing", "--json"}).out).at("error").at("code") == "run.unknown");
  }

  TEST_CASE("a table that is not there cannot be in a snapshot") {
    const Workspace place;
    make_shop(place);
    const ProcessResult result = place.run({"snapshot", "users", "nobody", "-d", place.url(), "--json"});
    CHECK(result.status == 2);
    CHECK(Json::parse(result.out).at("error").at("code") == "object.missing");
  }
}

}  // namespace falsework::test
