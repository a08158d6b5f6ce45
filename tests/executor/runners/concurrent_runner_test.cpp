#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

using namespace falsework;
using std::chrono::milliseconds;

namespace {

constexpr const char* kStep = "items/expand/index";

std::string index_state(const test::TestDatabase& db) {
  return db.connect().value(
      "SELECT coalesce((SELECT CASE WHEN indisvalid THEN 'valid' ELSE 'invalid' END FROM pg_index WHERE indexrelid = "
      "to_regclass('public.items_a_idx')), 'none')");
}

Plan plan(const test::Site& site, bool unique = false) {
  return test::plan_of({test::build_index(kStep, "public.items", "items_a_idx", "a", unique)}, &site);
}

bool is_building(const test::TestDatabase& db) {
  return db.connect_as_superuser().value("SELECT count(*) FROM pg_stat_progress_create_index") != "0";
}

}  // namespace

TEST_SUITE_BEGIN("executor/runners/concurrent_runner");

TEST_CASE("an index is built outside a transaction and dropped again by its undo") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 100);
    test::Site site(db);
    const auto engagement = site.start(plan(site));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(index_state(db) == "valid");
    CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
    CHECK(index_state(db) == "none");
    CHECK(site.ledger->events(engagement->run()).back().detail.empty());
  }
}

TEST_CASE("duplicates fail a unique index, which is cleaned up at once, and are not shown by value") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  db.exec("UPDATE public.items SET a = 987654321 WHERE id < 3");
  test::Site site(db);
  const auto engagement = site.start(plan(site, true));
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kStepFailed.code);
  CHECK(std::string(error.what()).find("duplicate") != std::string::npos);
  CHECK(std::string(error.what()).find("987654321") == std::string::npos);
  CHECK(index_state(db) == "none");
  db.exec("UPDATE public.items SET a = id");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(index_state(db) == "valid");
}

TEST_CASE("an object of that name that is not ours stops the step and stays") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  db.exec("CREATE TABLE public.other (x int); CREATE INDEX items_a_idx ON public.other (x)");
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kObjectForeign.code);
  CHECK(index_state(db) == "valid");
}

TEST_CASE("an equal index that somebody made before our intent is not taken for ours") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement = site.start(test::plan_of({test::build_index(kStep, "public.items", "items_a_idx", "a")}));
  db.exec("CREATE INDEX items_a_idx ON public.items (a)");
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kObjectForeign.code);
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  CHECK(index_state(db) == "valid");
}

TEST_CASE("an open transaction longer than the lock timeout delays a build and does not break it") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread release([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    std::this_thread::sleep_for(milliseconds(600));
    writer.exec("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(index_state(db) == "valid");
}

TEST_CASE("a stop request cancels a build and removes what it left") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread stopper([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    set_stop_signal(SIGTERM);
    // The removal itself waits for the writer.
    CHECK(test::wait_until([&] { return !is_building(db); }));
    writer.exec("COMMIT");
  });
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kTerminated.code);
  stopper.join();
  set_stop_signal(0);
  CHECK(index_state(db) == "none");
  CHECK(engagement->state().state == RunPhaseState::kPaused);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(index_state(db) == "valid");
}

TEST_CASE(
    "a stop does not wait for long transactions: what the build left is named, and removed when the run goes on") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread stopper([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    set_stop_signal(SIGTERM);
  });
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kTerminated.code);
  stopper.join();
  set_stop_signal(0);
  CHECK(index_state(db) == "invalid");
  REQUIRE_FALSE(site.observer.blockers.empty());
  CHECK(site.observer.blockers.back().find("items_a_idx") != std::string::npos);
  writer.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(index_state(db) == "valid");
}

TEST_CASE("a build whose session is ended is cleaned up and tried again on a new connection") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread killer([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    db.connect_as_superuser().exec("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index");
    CHECK(test::wait_until([&] { return !is_building(db); }));
    writer.exec("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(index_state(db) == "valid");
}

TEST_SUITE_END();
