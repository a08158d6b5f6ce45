// A run that was done and is rolled back is in flight again: it can go back or on, and its tables are its own.
#include <doctest/doctest.h>

#include "tests/engine/cli/workspace.h"

namespace falsework::test {

namespace {

const char* const kWiden =
    "-- falsework: name=widen archive=true switch=r1 contract=r2\n"
    "ALTER TABLE totals ALTER COLUMN amount TYPE numeric(20, 2) USING amount::numeric(20, 2);\n";
const std::vector<std::string> kRollback{"rollback", "widen", "--yes", "-q"};

// A run that is done, over a table whose amounts are integers no longer.
void widen_to_the_end(const Workspace& place) {
  place.database().exec(
      "CREATE TABLE totals (id int PRIMARY KEY, amount int);"
      "INSERT INTO totals SELECT i, i FROM generate_series(1, 50) AS i");
  place.plan(kWiden);
  REQUIRE(place.run({"apply", "plan.json", "--yes", "-d", place.url()}).status == 0);
  REQUIRE(place.run({"advance", "--release", "r1", "--yes", "-d", place.url()}).status == 0);
  REQUIRE(place.json({"advance", "--release", "r2", "--yes", "-q"}).at("results").at(0).at("outcome") == "done");
}

std::string value(const Workspace& place, const std::string& query) { return place.database().connect().value(query); }

std::string type_of_amount(const Workspace& place) {
  return value(place,
               "SELECT atttypid::regtype FROM pg_attribute WHERE attrelid = 'totals'::regclass "
               "AND attname = 'amount'");
}

std::string state_of(const Workspace& place) {
  return place.json({"status"}).at("runs").at(0).at("state").get<std::string>();
}

bool holds(const Json& text, const std::string& part) {
  return text.get<std::string>().find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("engine/cli/reopen") {
  TEST_CASE("a rollback after the end that meets a value without a way back can go on, or back once it is gone") {
    const Workspace place;
    widen_to_the_end(place);
    place.database().exec("INSERT INTO totals VALUES (51, 3000000000)");
    const Json refused = place.json(kRollback, 7).at("error");
    CHECK(holds(refused.at("message"), "out of range"));
    CHECK(state_of(place) == "failed");
    CHECK(value(place, "SELECT state FROM falsework.run") == "active");

    CHECK(place.json({"advance", "widen", "--to-end", "--yes", "-q"}).at("results").at(0).at("outcome") == "done");
    CHECK(type_of_amount(place) == "numeric");
    CHECK(value(place, "SELECT sum(amount) FROM totals") == "3000001275.00");
    CHECK(value(place, "SELECT state FROM falsework.run") == "done");

    place.json(kRollback, 7);
    place.database().exec("DELETE FROM totals WHERE id = 51");
    CHECK(place.json(kRollback).at("results").at(0).at("outcome") == "rolled_back");
    CHECK(type_of_amount(place) == "integer");
    CHECK(value(place, "SELECT sum(amount) FROM totals") == "1275");
    CHECK(value(place, "SELECT count(*) FROM pg_class WHERE relname LIKE '\\_fw\\_%'") == "0");
    CHECK(place.run({"history", "widen", "--verify", "-d", place.url()}).status == 0);
  }

  TEST_CASE("a run on its way back from the end keeps others from its tables, and others keep it from theirs") {
    const Workspace place;
    widen_to_the_end(place);
    place.write("note.sql", "-- falsework: name=note\nALTER TABLE totals ALTER COLUMN amount SET NOT NULL;\n");
    place.json({"plan", "note.sql", "-o", "note.json"});

    SUBCASE("others first") {
      place.json({"apply", "note.json", "--yes", "-q"});
      const Json refused = place.json(kRollback, 3).at("error");
      CHECK(refused.at("code") == "plan.conflict");
      CHECK(value(place, "SELECT string_agg(state, ' ' ORDER BY created_at) FROM falsework.run") == "done active");
    }
    SUBCASE("the rollback first") {
      place.database().exec("INSERT INTO totals VALUES (51, 3000000000)");
      place.json(kRollback, 7);
      CHECK(place.json({"apply", "note.json", "--yes", "-q"}, 3).at("error").at("code") == "plan.conflict");
    }
  }

  TEST_CASE("killed before and after it is in flight again, the run is rolled back by the next engine") {
    for (const std::string point : {"run.reopen", "run.reopened"}) {
      for (const bool back : {true, false}) {
        CAPTURE(point);
        CAPTURE(back);
        const Workspace place;
        widen_to_the_end(place);
        const auto killed = place.start({"rollback", "widen", "--yes", "-d", place.url()},
                                        {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", point + "=kill"}});
        CHECK(killed->wait().status == 128 + 9);
        CHECK(value(place, "SELECT state FROM falsework.run") == (point == "run.reopen" ? "done" : "active"));
        place.json(back ? kRollback : std::vector<std::string>{"advance", "widen", "--yes", "-q"});
        CHECK(state_of(place) == (back ? "rolled_back" : "done"));
        CHECK(type_of_amount(place) == (back ? "integer" : "numeric"));
        CHECK(place.run({"history", "widen", "--verify", "-d", place.url()}).status == 0);
      }
    }
  }
}

}  // namespace falsework::test
