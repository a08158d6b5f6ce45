#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "state/postgres/journal.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {
using std::chrono::milliseconds;

namespace {

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
    const auto engagement = site.start(test::index_plan(site));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(test::index_state(db) == "valid");
    CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
    CHECK(test::index_state(db) == "none");
    CHECK(site.ledger->events(engagement->run()).back().detail.empty());
  }
}

TEST_CASE("duplicates fail a unique index, which is cleaned up at once, and are not shown by value") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  db.exec("UPDATE public.items SET a = 987654321 WHERE id < 3");
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site, true));
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kStepFailed.code);
  CHECK(std::string(error.what()).find("duplicate") != std::string::npos);
  CHECK(std::string(error.what()).find("987654321") == std::string::npos);
  CHECK(test::index_state(db) == "none");
  db.exec("UPDATE public.items SET a = id");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("a build that the server has no room for is cleaned up, says so, and can be tried again with room") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 30000);
  const auto limit = [&](const std::string& setting) {
    db.connect_as_superuser().exec("ALTER ROLE " + db.role() + " " + setting);
  };
  limit("SET maintenance_work_mem = '1MB'");
  limit("SET max_parallel_maintenance_workers = 0");
  limit("SET temp_file_limit = '100kB'");
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kStepFailed.code);
  CHECK(std::string(error.what()).find("53400") != std::string::npos);
  CHECK(test::index_state(db) == "none");
  limit("RESET temp_file_limit");
  CHECK(site.take_up(engagement->run())->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("an object of that name that is not ours stops the step and stays") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  db.exec("CREATE TABLE public.other (x int); CREATE INDEX items_a_idx ON public.other (x)");
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kObjectForeign.code);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("an equal index that somebody made before our intent is not taken for ours") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement =
      site.start(test::plan_of({test::build_index(test::kIndexStep, "public.items", "items_a_idx", "a")}));
  db.exec("CREATE INDEX items_a_idx ON public.items (a)");
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kObjectForeign.code);
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("an open transaction longer than the lock timeout delays a build and does not break it") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread release([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    std::this_thread::sleep_for(milliseconds(600));
    writer.exec("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("a stop request cancels a build and removes what it left") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
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
  CHECK(test::index_state(db) == "none");
  CHECK(engagement->state().state == RunPhaseState::kPaused);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE(
    "a stop does not wait for long transactions: what the build left is named, and removed when the run goes on") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread stopper([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    set_stop_signal(SIGTERM);
  });
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kTerminated.code);
  stopper.join();
  set_stop_signal(0);
  CHECK(test::index_state(db) == "invalid");
  REQUIRE_FALSE(site.observer.blockers.empty());
  CHECK(site.observer.blockers.back().find("items_a_idx") != std::string::npos);
  writer.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("a build tells how far it is and whom it waits for") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 100);
    test::Site site(db);
    const auto engagement = site.start(test::index_plan(site));
    test::Client writer = db.connect();
    writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
    site.observer.when_built = [&] {
      if (!site.observer.builds.back().throttled_by.empty()) writer.exec("COMMIT");
    };
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(test::index_state(db) == "valid");
    REQUIRE_FALSE(site.observer.builds.empty());
    const Progress& seen = site.observer.builds.front();
    CHECK(seen.phase.rfind("waiting for", 0) == 0);
    REQUIRE(seen.throttled_by.size() == 1);
    CHECK(seen.throttled_by[0].find(fmt::format("pid {} (", writer.pid())) == 0);
    CHECK(seen.throttled_by[0].find("has a transaction open for ") != std::string::npos);
    CHECK(seen.throttled_by[0].find(", idle in transaction") != std::string::npos);
    CHECK(site.observer.blockers == seen.throttled_by);
    const auto history = site.history(engagement->run());
    CHECK(std::count(history.begin(), history.end(), std::string("step_progress ") + test::kIndexStep) >= 1);
  }
}

TEST_CASE("a prepared transaction that a build waits for is named by its gid") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  Step build = test::build_index(test::kIndexStep, "public.items", "items_a_idx", "a");
  build.locks = {test::lock_on("items", pg::LockMode::kShareUpdateExclusive)};
  const auto engagement = site.start(test::plan_of({build}, &site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  writer.exec("PREPARE TRANSACTION 'in_the_way'");
  site.observer.when_blocked = [&] { writer.exec("COMMIT PREPARED 'in_the_way'"); };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  REQUIRE(site.observer.blockers.size() == 1);
  CHECK(site.observer.blockers[0].find("prepared transaction in_the_way") == 0);
}

TEST_CASE("a build that is not over within its limit of time is ended and removed, and can be tried again") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  ExecutorOptions options = site.options();
  options.build_timeout = milliseconds(500);
  const Plan built = test::index_plan(site);
  const auto engagement =
      Engagement::start(built, render_plan(built), *site.ledger, site.clock, site.observer, options);
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread release([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    // The removal itself waits for the writer.
    CHECK(test::wait_until([&] { return !is_building(db); }));
    writer.exec("COMMIT");
  });
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  release.join();
  CHECK(error.code() == errors::kBuildTimeout.code);
  CHECK(error.exit() == ExitCode::kTemporary);
  CHECK(std::string(error.what()).find("within 500ms: waiting for") != std::string::npos);
  CHECK(std::string(error.what()).find(fmt::format("pid {}", writer.pid())) != std::string::npos);
  CHECK(test::index_state(db) == "none");
  CHECK(engagement->state().state == RunPhaseState::kPaused);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("a stop is obeyed while what an earlier build left is being removed, and that is named") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  {
    std::jthread stopper([&] {
      CHECK(test::wait_until([&] { return is_building(db); }));
      set_stop_signal(SIGTERM);
    });
    CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kTerminated.code);
  }
  set_stop_signal(0);
  REQUIRE(test::index_state(db) == "invalid");
  site.observer.blockers.clear();
  site.observer.when_blocked = [] { set_stop_signal(SIGINT); };
  const auto begun = std::chrono::steady_clock::now();
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kInterrupted.code);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(15));
  set_stop_signal(0);
  CHECK(test::index_state(db) == "invalid");
  CHECK(site.observer.blockers.back().find("items_a_idx") != std::string::npos);
  site.observer.when_blocked = nullptr;
  writer.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE(
    "a session that waits inside the server for an advisory lock and a build end in a deadlock; an engine does not") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 100);
    {
      // What a blocking call would do: its snapshot is older than the build, and its lock is held by the builder.
      test::Client builder = db.connect();
      test::Client waiter = db.connect();
      builder.exec("SELECT pg_advisory_lock(77)");
      waiter.send("SELECT pg_advisory_lock(77)");
      CHECK(test::wait_until([&] {
        return db.connect_as_superuser().value("SELECT wait_event FROM pg_stat_activity WHERE pid = " +
                                               std::to_string(waiter.pid())) == "advisory";
      }));
      std::string build = "built", wait = "had it";
      try {
        builder.exec("CREATE INDEX CONCURRENTLY items_dead ON public.items (a)");
      } catch (const test::SqlFailure& failure) {
        build = failure.sqlstate();
        builder.exec("SELECT pg_advisory_unlock(77)");
      }
      try {
        waiter.receive();
      } catch (const test::SqlFailure& failure) {
        wait = failure.sqlstate();
      }
      // The server chooses the victim.
      CHECK((build == "40P01" || wait == "40P01"));
    }
    db.exec("DROP INDEX IF EXISTS public.items_dead");

    test::Site site(db);
    const auto engagement = site.start(test::index_plan(site));
    std::string second;
    std::atomic<bool> over{false};
    std::jthread waiting([&] {
      second = test::code_of([&] {
        SystemClock clock;
        const auto session = site.session();
        Journal(*session).fence(engagement->run(), "another@host (1)", clock, std::chrono::seconds(30));
      });
      over = true;
    });
    CHECK(test::wait_until([&] {
      return db.connect_as_superuser().value(
                 "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_try_advisory_lock%' AND pid <> "
                 "pg_backend_pid()") != "0";
    }));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(test::index_state(db) == "valid");
    CHECK_FALSE(over);  // it was there all the time
    set_stop_signal(SIGTERM);
    waiting.join();
    set_stop_signal(0);
    CHECK(second == errors::kTerminated.code);
  }
}

TEST_CASE("a build whose session is ended is cleaned up and tried again on a new connection") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  std::jthread killer([&] {
    CHECK(test::wait_until([&] { return is_building(db); }));
    db.connect_as_superuser().exec("SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index");
    CHECK(test::wait_until([&] { return !is_building(db); }));
    writer.exec("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::index_state(db) == "valid");
}

TEST_SUITE_END();

}  // namespace falsework
