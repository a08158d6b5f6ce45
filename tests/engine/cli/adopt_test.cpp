// A ledger that is lost, that comes back, or that somebody else goes on with.
#include <doctest/doctest.h>
#include <csignal>

#include <filesystem>

#include "postgres/catalog/compare.h"
#include "postgres/catalog/snapshot_json.h"
#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

constexpr int kKilled = 128 + 9;

std::filesystem::path ledger(const Workspace& place) { return place.path(".falsework/state.db"); }

ProcessResult apply(const Workspace& place) {
  return place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()});
}

// What status tells of each run, without what only the lost ledger knew: how often a step was tried, how fast it went.
Json standing(const Workspace& place) {
  Json runs = place.json({"status"}).at("runs");
  for (Json& run : runs) {
    for (Json& step : run.at("steps")) {
      step.erase("attempts");
      if (!step.at("progress").is_null()) step["progress"] = step.at("progress").at("rows");
    }
  }
  return runs;
}

// All that an engine could have written.
std::string journal(const Workspace& place) {
  Client client = place.database().connect();
  std::string all;
  for (const char* table : {"run", "journal", "history", "gate", "fingerprint"}) {
    const std::string name = table;
    all += client.value("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM falsework." + name +
                        " AS t");
  }
  return all;
}

std::string code_of(const Workspace& place, std::vector<std::string> command, int status) {
  return place.json(std::move(command), status).at("error").at("code");
}

void kill_at(const Workspace& place, std::vector<std::string> command, const std::string& point) {
  command.insert(command.end(), {"--yes", "-q", "-d", place.url()});
  const ProcessResult killed =
      place.start(command, {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", point + "=kill"}})->wait();
  CAPTURE(point);
  CAPTURE(killed.err);
  REQUIRE(killed.status == kKilled);
}

void lose_ledger(const Workspace& place) { std::filesystem::remove_all(place.path(".falsework")); }

Json adopt(const Workspace& place) {
  const Json results = place.json({"adopt", "--yes", "-q", "--reason", "the host is gone"}).at("results");
  for (const Json& each : results) CHECK(each.at("outcome") == "adopted");
  return results;
}

void finish(const Workspace& place) {
  REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-q", "-d", place.url()}).status == 0);
  const Json end = place.json({"advance", "--release", "2027.01", "--confirm", "users_email", "--yes", "-q"});
  REQUIRE(end.at("results").size() == 1);
  CHECK(end.at("results").at(0).at("outcome") == "done");
  CHECK(place.database().connect().value("SELECT count(*) FROM users WHERE email_address = 'u' || id") ==
        place.database().connect().value("SELECT count(*) FROM users"));
  CHECK(place.json({"history", "--verify"}).at("problems").empty());
}

}  // namespace

TEST_SUITE("engine/cli/commands/adopt") {
  TEST_CASE("a lost ledger is rebuilt, and the run waits where it waited") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(apply(place).status == 0);
    const Json before = standing(place);
    std::filesystem::rename(ledger(place), place.path("old.db"));
    lose_ledger(place);

    CHECK(place.json({"status"}).at("runs").empty());
    const Json refused = place.json({"apply", "plan.json", "--yes", "-q"}, 3);
    CHECK(refused.at("error").at("code") == "ledger.foreign");
    CHECK(refused.at("error").at("hint").get<std::string>().find("falsework adopt users_email-") != std::string::npos);
    lose_ledger(place);

    const std::string untouched = journal(place);
    const Json would = place.json({"adopt", "--dry-run"}).at("dry_run");
    REQUIRE(would.size() == 1);
    CHECK(would.at(0).at("outcome") == "adopted");
    CHECK(would.at(0).at("ledger") == "other_lineage");
    CHECK(!std::filesystem::exists(place.path(".falsework")));
    CHECK(journal(place) == untouched);

    const Json adopted = adopt(place);
    REQUIRE(adopted.size() == 1);
    CHECK(adopted.at(0).at("state") == "waiting");
    CHECK(adopted.at(0).at("waiting_for") == Json{"release 2026.12"});
    CHECK(standing(place) == before);
    CHECK(place.json({"history", "--verify"}).at("problems").empty());
    const Json again = place.json({"adopt", "--yes"}).at("results");
    CHECK(again.at(0).at("outcome") == "kept");

    // The old ledger is found again: it is not believed, and nothing is done for it.
    const std::string kept = journal(place);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"advance", "--release", "2026.12", "--yes", "-q"},
          std::vector<std::string>{"rollback", "users_email", "--yes", "-q"},
          std::vector<std::string>{"apply", "plan.json", "--yes", "-q"}}) {
      std::vector<std::string> with_old = command;
      with_old.insert(with_old.end(), {"--state", "old.db"});
      CHECK(code_of(place, with_old, 3) == "ledger.foreign");
    }
    CHECK(journal(place) == kept);
    finish(place);
  }

  TEST_CASE("an older copy of the ledger is refused by its serial, and adopting brings it up") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(apply(place).status == 0);
    std::filesystem::copy_file(ledger(place), place.path("older.db"));
    REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-q", "-d", place.url()}).status == 0);
    std::filesystem::rename(ledger(place), place.path("newer.db"));
    std::filesystem::copy_file(place.path("older.db"), ledger(place));

    const std::string before = journal(place);
    const Json refused = place.json({"advance", "--to-end", "--yes", "-q"}, 3).at("error");
    CHECK(refused.at("code") == "ledger.stale");
    CHECK(refused.at("message").get<std::string>().find("is an older copy: it ends at event") != std::string::npos);
    CHECK(code_of(place, {"rollback", "users_email", "--yes", "-q"}, 3) == "ledger.stale");
    CHECK(code_of(place, {"apply", "plan.json", "--yes", "-q"}, 3) == "ledger.stale");
    CHECK(journal(place) == before);

    CHECK(place.json({"adopt", "--dry-run"}).at("dry_run").at(0).at("ledger") == "older_copy");
    adopt(place);
    CHECK(standing(place).at(0).at("waiting_for") == Json{"release 2027.01"});
    // Of one lineage with the adopted one, and from then on another account of the run.
    std::filesystem::rename(place.path("newer.db"), place.path("parted.db"));
    CHECK(code_of(place, {"advance", "--to-end", "--yes", "-q", "--state", "parted.db"}, 3) == "ledger.stale");
    const Json end = place.json({"advance", "--release", "2027.01", "--confirm", "users_email", "--yes", "-q"});
    CHECK(end.at("results").at(0).at("outcome") == "done");
  }

  TEST_CASE("a copy of the ledger that went another way is refused, however long it is") {
    const Workspace place;
    place.make_users();
    place.plan();
    REQUIRE(apply(place).status == 0);
    std::filesystem::copy_file(ledger(place), place.path("copy.db"));
    REQUIRE(place.run({"advance", "--release", "2026.12", "--yes", "-q", "-d", place.url()}).status == 0);
    // The copy goes on with another database.
    const TestDatabase elsewhere(Server::any());
    elsewhere.exec("CREATE TABLE notes (id int PRIMARY KEY, a text)");
    place.write("notes.sql", "-- falsework: name=notes\nALTER TABLE notes RENAME COLUMN a TO b;\n");
    REQUIRE(place.run({"plan", "notes.sql", "-d", elsewhere.url(), "-o", "notes.json"}).status == 0);
    REQUIRE(place.run({"apply", "notes.json", "--yes", "-q", "-d", elsewhere.url(), "--state", "copy.db"}).status == 0);
    REQUIRE(place
                .run({"advance", "notes", "--to-end", "--confirm", "notes", "--yes", "-q", "-d", elsewhere.url(),
                      "--state", "copy.db"})
                .status == 0);
    const Json refused =
        place.json({"advance", "users_email", "--to-end", "--yes", "-q", "--state", "copy.db"}, 3).at("error");
    CHECK(refused.at("code") == "ledger.stale");
    CHECK(refused.at("message").get<std::string>().find("is a copy that went another way") != std::string::npos);
  }

  TEST_CASE("a run is adopted in the middle of a copy, and the copy goes on from its cursor") {
    const Workspace place;
    place.make_users(20000);
    place.plan();
    kill_at(place, {"apply", "plan.json"}, "batch.committed@5");
    const std::string copied = place.database().connect().value("SELECT sum(rows) FROM falsework.copy_slot");
    REQUIRE(copied != "0");
    lose_ledger(place);
    adopt(place);
    const Json run = standing(place).at(0);
    CHECK(run.at("state") == "paused");
    for (const Json& step : run.at("steps")) {
      if (step.at("kind") != "backfill") continue;
      CHECK(step.at("state") == "running");
      CHECK(step.at("progress") == std::stoll(copied));
    }
    REQUIRE(apply(place).status == 0);
    const Json history = place.json({"history"}).at("events");
    for (const Json& event : history) {
      // Not begun anew: each later report stands above what was copied before.
      if (event.at("event") == "step_progress") CHECK(event.at("rows") >= std::stoll(copied));
    }
    finish(place);
  }

  TEST_CASE("a run is adopted after a failed step, as failed, with the reason") {
    const Workspace place;
    place.make_users();
    place.plan();
    place.database().exec(
        "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'not today'; "
        "END$$");
    place.database().connect_as_superuser().exec(
        "CREATE EVENT TRIGGER stop ON ddl_command_start WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION refuse()");
    REQUIRE(apply(place).status == 7);
    const Json before = standing(place);
    CHECK(before.at(0).at("state") == "failed");
    lose_ledger(place);
    adopt(place);
    CHECK(standing(place) == before);
    const Json events = place.json({"history"}).at("events");
    bool told = false;
    for (const Json& event : events) {
      if (event.at("event") != "step_failed") continue;
      told = true;
      CHECK(event.at("sqlstate") == "P0001");
      CHECK(event.at("detail").get<std::string>().find("not today") != std::string::npos);
    }
    CHECK(told);
    place.database().connect_as_superuser().exec("DROP EVENT TRIGGER stop");
    REQUIRE(apply(place).status == 0);
    finish(place);
  }

  TEST_CASE("a failed proof is adopted as failed, and no ledger makes it pass") {
    const Workspace place;
    place.make_users();
    place.plan();
    kill_at(place, {"apply", "plan.json"}, "backfill.committed");
    // Behind the trigger's back.
    place.database().connect_as_superuser().exec(
        "SET session_replication_role = replica; ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET "
        "email_address = "
        "'wrong' WHERE id = 7; DO $$DECLARE t text; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = "
        "'users'::regclass AND NOT tgisinternal LOOP EXECUTE format('ALTER TABLE users ENABLE ALWAYS TRIGGER %I', t); "
        "END "
        "LOOP; END$$");
    REQUIRE(code_of(place, {"apply", "plan.json", "--yes", "-q"}, 7) == "proof.failed");
    const Json before = standing(place);
    lose_ledger(place);
    adopt(place);
    CHECK(standing(place) == before);
    CHECK(code_of(place, {"apply", "plan.json", "--yes", "-q"}, 7) == "proof.failed");
    const std::string next = place.json({"adopt", "--yes"}).at("results").at(0).at("next");
    CHECK(next.find("falsework prove users_email-") == 0);

    CHECK(code_of(place, {"prove", "users_email", "--yes", "-q"}, 2) == "usage");
    CHECK(code_of(place, {"prove", "users_email", "--reason", "looked", "--yes", "-q"}, 7) == "proof.failed");
    CHECK(code_of(place, {"apply", "plan.json", "--yes", "-q"}, 7) == "proof.failed");
    place.database().exec("UPDATE users SET email_address = email WHERE id = 7");
    const Json proven =
        place.json({"prove", "users_email", "--reason", "row 7 was corrected", "--yes", "-q"}).at("results").at(0);
    CHECK(proven.at("outcome") == "target_reached");
    lose_ledger(place);
    adopt(place);
    const Json events = place.json({"history"}).at("events");
    bool told = false;
    for (const Json& event : events) {
      if (event.at("event") == "proof_cleared" && event.at("detail") == "row 7 was corrected") told = true;
    }
    CHECK(told);
    REQUIRE(apply(place).status == 0);
    finish(place);
  }

  TEST_CASE("a run is adopted in the middle of a rollback, and the rollback goes on") {
    const Workspace place;
    place.make_users();
    place.plan();
    const std::string before = place.run({"snapshot", "users", "-d", place.url()}).out;
    REQUIRE(apply(place).status == 0);
    kill_at(place, {"rollback", "users_email"}, "undo.committed@2");
    lose_ledger(place);
    adopt(place);
    const Json rolled = place.json({"rollback", "users_email", "--yes", "-q"}).at("results").at(0);
    CHECK(rolled.at("outcome") == "rolled_back");

    const std::string after = place.run({"snapshot", "users", "-d", place.url()}).out;
    CHECK(pg::compare(pg::parse_snapshot(before, "before"), pg::parse_snapshot(after, "after")).empty());
  }

  TEST_CASE("several runs are adopted together, those that are over as well, or one by its name") {
    const Workspace place;
    place.make_users();
    place.database().exec("CREATE TABLE orders (id int PRIMARY KEY, note text)");
    place.plan();
    REQUIRE(apply(place).status == 0);
    REQUIRE(place.run({"rollback", "users_email", "--yes", "-q", "-d", place.url()}).status == 0);
    REQUIRE(apply(place).status == 0);
    place.plan("-- falsework: name=orders_note switch=2027.05\nALTER TABLE orders RENAME COLUMN note TO remark;\n",
               "orders.json");
    REQUIRE(place.run({"apply", "orders.json", "--yes", "-q", "-d", place.url()}).status == 0);
    const Json before = standing(place);
    REQUIRE(before.size() == 3);
    lose_ledger(place);
    const Json one = place.json({"adopt", "orders_note", "--yes", "-q"}).at("results");
    REQUIRE(one.size() == 1);
    CHECK(one.at(0).at("waiting_for") == Json{"release 2027.05"});
    lose_ledger(place);
    CHECK(adopt(place).size() == 3);
    CHECK(standing(place) == before);
    CHECK(place.json({"advance", "--release", "2027.05", "--yes", "-q"}).at("results").size() == 1);
    CHECK(code_of(place, {"adopt", "nobody", "--yes"}, 2) == "run.unknown");
  }

  TEST_CASE("adopting is finished by adopting again, wherever it was killed") {
    for (const std::string point : {"adopt.fenced", "adopt.ledger", "adopt.committed"}) {
      CAPTURE(point);
      const Workspace place;
      place.make_users();
      place.plan();
      REQUIRE(apply(place).status == 0);
      const Json before = standing(place);
      lose_ledger(place);
      kill_at(place, {"adopt"}, point);
      REQUIRE(place.run({"adopt", "--yes", "-q", "-d", place.url()}).status == 0);
      CHECK(standing(place) == before);
      finish(place);
    }
  }

  TEST_CASE("a run that an engine is at work on is not adopted") {
    const Workspace place;
    place.make_users();
    place.plan();
    const auto engine = place.start({"apply", "plan.json", "--yes", "-q", "-d", place.url()},
                                    {{"FALSEWORK_TEST_HOOKS", "1"},
                                     {"FALSEWORK_FAIL", "backfill.begin=sleep:4000"},
                                     {"FALSEWORK_FAIL_TRACE", place.path("trace").string()}});
    REQUIRE(wait_until([&] { return place.read("trace").find("backfill.begin") != std::string::npos; },
                       std::chrono::seconds(30)));
    const Json held = place.json({"adopt", "--yes", "--state", "other.db", "--patience", "100ms"}, 75).at("error");
    CHECK(held.at("code") == "run.held");
    CHECK(held.at("message").get<std::string>().find("(" + std::to_string(engine->pid()) + ")") != std::string::npos);
    CHECK(engine->wait().status == 0);
    finish(place);
  }

  TEST_CASE("a database without a journal has nothing to adopt") {
    const Workspace place;
    CHECK(code_of(place, {"adopt", "--yes"}, 2) == "run.unknown");
    CHECK(!std::filesystem::exists(place.path(".falsework")));
  }
}

}  // namespace falsework::test
