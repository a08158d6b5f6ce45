// A judge that cannot see is worse than none: each fault is planted, and must be found.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/clients/ride.h"
#include "tests/support/wait.h"

namespace falsework::test {
namespace {

using std::chrono::milliseconds;

bool reported(const Traffic& traffic, const std::string& text) {
  const auto mishaps = traffic.mishaps();
  return std::any_of(mishaps.begin(), mishaps.end(),
                     [&](const std::string& mishap) { return mishap.find(text) != std::string::npos; });
}

// Two writers of one column while both shapes stand; what a test plants is found, or is not.
struct Stand {
  Ride ride{Server::any(), renaming(), milliseconds(30)};
  Client owner;

  Stand() : owner(ride.database().connect()) {
    ride.to_both_shapes();
    REQUIRE(ride.traffic().mishaps().empty());
  }
};

std::string id_of_the_first(Client& client, const std::string& owner) {
  return client.value("SELECT min(id) FROM users WHERE owner = $1", {owner});
}

}  // namespace

TEST_SUITE("tests/clients/checker") {
  TEST_CASE("rows whose shapes contradict each other are seen, and others are not") {
    const Pair rename{"users", "email", "email_address"};
    const Pair fill{"users", "nickname", "handle", filled("nobody")};
    struct Case {
      const char* given;
      Pair pair;
      Columns row;
      bool proven, right;
    };
    const Case cases[] = {
        {"equal", rename, {{"id", "1"}, {"email", "a"}, {"email_address", "a"}}, true, true},
        {"both null", rename, {{"id", "1"}, {"email", std::nullopt}, {"email_address", std::nullopt}}, true, true},
        {"different", rename, {{"id", "1"}, {"email", "a"}, {"email_address", "b"}}, false, false},
        {"not yet copied", rename, {{"id", "1"}, {"email", "a"}, {"email_address", std::nullopt}}, false, true},
        {"never copied", rename, {{"id", "1"}, {"email", "a"}, {"email_address", std::nullopt}}, true, false},
        {"only the new one", rename, {{"id", "1"}, {"email", std::nullopt}, {"email_address", "b"}}, false, false},
        {"one shape only", rename, {{"id", "1"}, {"email", "a"}}, true, true},
        {"filled", fill, {{"id", "1"}, {"nickname", std::nullopt}, {"handle", "nobody"}}, true, true},
        {"filled with something else", fill, {{"id", "1"}, {"nickname", std::nullopt}, {"handle", "x"}}, true, false},
        {"not filled", fill, {{"id", "1"}, {"nickname", std::nullopt}, {"handle", std::nullopt}}, true, false},
        {"filled over a value", fill, {{"id", "1"}, {"nickname", "n"}, {"handle", "nobody"}}, true, false},
    };
    for (const Case& c : cases) {
      CAPTURE(c.given);
      bool both = false;
      CHECK(judge(c.pair, c.row, c.proven, both).empty() == c.right);
      CHECK(both == (c.row.size() == 3));
    }
  }

  TEST_CASE("one row that disagrees is found while clients write") {
    Stand stand;
    const std::string id = id_of_the_first(stand.owner, "old 0");
    stand.owner.exec("BEGIN; ALTER TABLE users DISABLE TRIGGER USER; UPDATE users SET email = 'planted' WHERE id = " +
                     id + "; ALTER TABLE users ENABLE TRIGGER USER; COMMIT");
    CHECK(wait_until([&] { return reported(stand.ride.traffic(), "email is 'planted'"); }));
  }

  TEST_CASE("a trigger that misses updates is found") {
    Stand stand;
    const std::string function =
        stand.owner.value("SELECT oid::regproc FROM pg_proc WHERE proname LIKE '\\_fw\\_dual\\_write\\_update%'");
    stand.owner.exec("CREATE OR REPLACE FUNCTION " + function +
                     "() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'");
    CHECK(wait_until([&] { return reported(stand.ride.traffic(), "checker during"); }));
  }

  TEST_CASE("a write that is lost is found") {
    Stand stand;
    const std::string gone = id_of_the_first(stand.owner, "new 2");
    stand.ride.writers()[0]->stop();
    stand.ride.writers()[2]->stop();
    stand.owner.exec("DELETE FROM users WHERE id = " + gone);
    const std::string changed = id_of_the_first(stand.owner, "old 0");
    stand.owner.exec("UPDATE users SET email = 'overwritten' WHERE id = " + changed);
    stand.owner.exec("INSERT INTO users (id, owner) VALUES (-1, 'old 1')");
    stand.ride.settle(Shape::kOld);
    CHECK(reported(stand.ride.traffic(), "users " + gone + " is lost"));
    CHECK(reported(stand.ride.traffic(), "'overwritten' is there"));
    CHECK(reported(stand.ride.traffic(), "users -1 is there, and must not be"));
  }

  TEST_CASE("a statement that fails is reported with its SQLSTATE") {
    Stand stand;
    stand.owner.exec("ALTER TABLE users ADD CHECK (note NOT LIKE 'note 9%') NOT VALID");
    CHECK(wait_until([&] { return reported(stand.ride.traffic(), "23514"); }));
  }
}

}  // namespace falsework::test
