// The promise to applications: old and new releases write through the whole run, and nothing fails and nothing is lost.
#include <doctest/doctest.h>

#include <cstdio>

#include "tests/clients/ride.h"

namespace falsework::test {
namespace {

using std::chrono::milliseconds;

// The older and the newer ways of doing things at length, and the other versions briefly, when all are tested.
bool at_length(int major) { return Server::majors().size() <= 2 || major == 15 || major == 18; }

milliseconds dwell_on(int major) { return milliseconds(at_length(major) ? 200 : 70); }

void check_traffic(const Ride& ride, const Scenario& scenario, int major, const char* way) {
  const Traffic& traffic = ride.traffic();
  std::printf("%s, %s, on %d: %s\n", scenario.name.c_str(), way, major, traffic.summary().c_str());
  std::string mishaps;
  for (const std::string& mishap : traffic.mishaps()) {
    if (mishaps.size() < 4000) mishaps += "\n" + mishap;
  }
  CHECK_MESSAGE(traffic.mishaps().empty(), mishaps);
  for (const std::string& stage : ride.stages()) {
    CAPTURE(stage);
    CHECK(traffic.during(stage) > 0);
  }
  for (const char* shape : {"old", "new"}) {
    for (const char* deed : {"INSERT", "UPDATE", "DELETE", "upsert", "COPY", "multi-row INSERT", "prepared",
                             "savepoints", "REPEATABLE READ", "audit"}) {
      CAPTURE(shape);
      CAPTURE(deed);
      CHECK(traffic.done(shape, deed) > 0);
    }
  }
  CHECK(traffic.comparisons() > 0);
}

void ride_to_the_end(const Scenario& scenario) {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    Ride ride(Server::of(major), scenario, dwell_on(major));
    ride.to_both_shapes();
    ride.to_the_end();
    ride.settle(Shape::kNew);
    check_traffic(ride, scenario, major, "to the end");
  }
}

void ride_and_back(const Scenario& scenario) {
  for (const int major : Server::majors()) {
    if (!at_length(major)) continue;
    CAPTURE(major);
    Ride ride(Server::of(major), scenario, dwell_on(major));
    ride.to_both_shapes();
    ride.and_back();
    ride.settle(Shape::kOld);
    check_traffic(ride, scenario, major, "and back");
  }
}

}  // namespace

TEST_SUITE("tests/clients") {
  TEST_CASE("a column gets another name, and no client notices") { ride_to_the_end(renaming()); }
  TEST_CASE("a rename is taken back after the switch, and keeps what both shapes wrote") { ride_and_back(renaming()); }
  TEST_CASE("keys become bigint in all tables, and no client notices") { ride_to_the_end(widening()); }
  TEST_CASE("wider keys are taken back after the switch, and keep what both shapes wrote") {
    ride_and_back(widening());
  }
  TEST_CASE("a column becomes NOT NULL, and no client notices") { ride_to_the_end(filling()); }
  TEST_CASE("NOT NULL is taken back, and keeps what both shapes wrote") { ride_and_back(filling()); }
  TEST_CASE("a foreign key is added, and no client notices") { ride_to_the_end(referencing()); }
  TEST_CASE("a foreign key is taken back, and nothing is lost") { ride_and_back(referencing()); }
  TEST_CASE("four changes are made at once, and no client notices") { ride_to_the_end(composed()); }
  TEST_CASE("four changes are taken back at once, and keep what both shapes wrote") { ride_and_back(composed()); }
}

}  // namespace falsework::test
