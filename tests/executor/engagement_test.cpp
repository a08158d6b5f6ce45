#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "executor/adopt.h"
#include "tests/executor/site.h"

namespace falsework {

TEST_SUITE_BEGIN("executor/engagement");

TEST_CASE("a plan with steps of all six kinds runs to its end through its gates") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 3000);
    test::Site site(db);
    const auto engagement = site.start(test::items_plan(site));
    CHECK(engagement->run().starts_with("trial-"));
    CHECK(engagement->run().size() == std::string("trial-").size() + 8);
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
    CHECK(engagement->state().state == RunPhaseState::kWaiting);
    AdvanceRequest release;
    release.releases = {"2026.12"};
    CHECK(engagement->advance(release) == Outcome::kAtGate);
    CHECK(engagement->state().open_gates.contains("items/switch/gate"));
    CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
    CHECK(engagement->state().state == RunPhaseState::kDone);
    CHECK(db.connect().value("SELECT sum(b) FROM public.items") == "9003000");
    CHECK(site.ledger->verify_chain().empty());
  }
}

TEST_CASE("rolling back before the contract gives the catalog and the rows of before") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3000);
  const std::string before = test::items_state(db);
  test::Site site(db);
  const auto engagement = site.start(test::items_plan(site));
  AdvanceRequest release;
  release.releases = {"2026.12"};
  CHECK(engagement->advance(release) == Outcome::kAtGate);
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  CHECK(test::items_state(db) == before);
  CHECK(site.ledger->events(engagement->run()).back().detail.empty());
}

TEST_CASE("starting a plan that has a run takes that run up, and a finished one has nothing left to do") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const Plan plan = test::items_plan(site);
  auto engagement = site.start(plan);
  const std::string run = engagement->run();
  engagement->advance(AdvanceRequest{});
  engagement.reset();
  engagement = site.start(plan);
  CHECK(engagement->run() == run);
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
  engagement.reset();
  const std::int64_t epoch = std::stoll(db.connect().value("SELECT epoch FROM falsework.run"));
  engagement = site.start(plan);
  CHECK(engagement->run() == run);
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kNothingToDo);
  CHECK(std::stoll(db.connect().value("SELECT epoch FROM falsework.run")) == epoch);
  CHECK(site.ledger->runs().size() == 1);
}

TEST_CASE("a second engine is told who holds the run") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto first = site.start(test::items_plan(site));
  ExecutorOptions options = site.options();
  options.patience = std::chrono::milliseconds(100);
  options.actor = "other@there";
  const auto record = *site.ledger->find_run(first->run());
  const Error error =
      test::error_of([&] { Engagement::take_up(record, *site.ledger, site.clock, site.observer, options); });
  CHECK(error.code() == errors::kRunHeld.code);
  CHECK(std::string(error.what()).find("tester@here") != std::string::npos);
}

TEST_CASE("an engine that was overtaken changes nothing more") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement = site.start(test::items_plan(site));
  // As a newer engine's fence does, without ending our session.
  db.exec("UPDATE falsework.run SET epoch = epoch + 1, holder = 'other@there (1)'");
  const std::string before = test::items_state(db);
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kRunHeld.code);
  CHECK(test::items_state(db) == before);
}

TEST_CASE("a connection that is lost between steps or in one is replaced, and the run goes on") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(test::items_plan(site));
  int losses = 0;
  site.observer.when_copied = [&] {
    if (site.observer.progress.size() != 5 && site.observer.progress.size() != 15) return;
    ++losses;
    db.connect_as_superuser().exec(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'falsework%' AND datname = "
        "current_database() AND pid <> pg_backend_pid()");
  };
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
  CHECK(losses == 2);
  CHECK(db.connect().value("SELECT count(*) FROM public.items WHERE b <> id * 2") == "0");
}

TEST_CASE("a server that crashes and comes back is waited for") {
  test::Server& server = test::Server::any();
  const test::TestDatabase db(server);
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(test::items_plan(site));
  bool crashed = false;
  site.observer.when_copied = [&] {
    if (crashed || site.observer.progress.size() < 5) return;
    crashed = true;
    server.restart_immediately();
  };
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
  CHECK(crashed);
  CHECK(db.connect().value("SELECT count(*) FROM public.items WHERE b IS DISTINCT FROM id * 2") == "0");
}

TEST_CASE("a stop request is seen between two steps") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement = site.start(test::items_plan(site));
  set_stop_signal(SIGTERM);
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kTerminated.code);
  set_stop_signal(0);
  CHECK(site.history(engagement->run()).back() == "run_paused");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
}

TEST_CASE("a ledger that lags is refused, and brought up to the journal when it adopts the run") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const Plan plan = test::items_plan(site);
  std::string run;
  const std::filesystem::path copy = site.directory.path() / "older.db";
  {
    const auto engagement = site.start(plan);
    run = engagement->run();
    site.ledger.reset();
    std::filesystem::copy_file(site.ledger_path, copy);
    site.ledger = Ledger::open(site.ledger_path, false);
  }
  {
    const auto engagement = site.take_up(run);
    engagement->advance(AdvanceRequest{});
  }
  site.ledger = Ledger::open(copy, false);
  CHECK(test::code_of([&] { site.take_up(run); }) == errors::kLedgerStale.code);
  CHECK(adopt_run(run, "", *site.ledger, site.clock, site.observer, site.options()));
  const auto engagement = site.take_up(run);
  CHECK(engagement->state().steps.at("items/validate/index").state == StepState::kDone);
  const auto history = site.history(run);
  CHECK(std::find(history.begin(), history.end(), "ledger_repaired") != history.end());
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
}

TEST_CASE("a database that lost what the ledger calls done is refused, with the steps") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  std::string run;
  {
    const auto engagement = site.start(test::items_plan(site));
    run = engagement->run();
    engagement->advance(AdvanceRequest{});
  }
  SUBCASE("one step") {
    db.exec("DELETE FROM falsework.journal WHERE step = 'items/validate/index'");
    const Error error = test::error_of([&] { site.take_up(run); });
    CHECK(error.code() == errors::kLedgerForeign.code);
    CHECK(std::string(error.what()).find("items/validate/index") != std::string::npos);
  }
  SUBCASE("the whole journal") {
    db.exec("DROP SCHEMA falsework CASCADE");
    CHECK(test::code_of([&] { site.take_up(run); }) == errors::kLedgerForeign.code);
    CHECK(test::code_of([&] { site.start(test::items_plan(site)); }) == errors::kLedgerForeign.code);
  }
}

TEST_CASE("a run is refused in another database, and in one whose journal another ledger keeps") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const Plan plan = test::items_plan(site);
  std::string run;
  {
    const auto engagement = site.start(plan);
    run = engagement->run();
  }
  const auto record = *site.ledger->find_run(run);
  const test::TestDatabase elsewhere = db.clone();
  ExecutorOptions options = site.options();
  options.connection.conninfo = elsewhere.url();
  CHECK(test::code_of([&] { Engagement::take_up(record, *site.ledger, site.clock, site.observer, options); }) ==
        errors::kDatabaseForeign.code);
  test::Site stranger(db);
  CHECK(test::code_of([&] { stranger.start(plan); }) == errors::kLedgerForeign.code);
}

TEST_CASE("a superuser is refused unless that is allowed") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const Plan plan = test::items_plan(site);
  ExecutorOptions options = site.options();
  options.connection.conninfo = db.superuser_url();
  CHECK(test::code_of([&] {
          Engagement::start(plan, render_plan(plan), *site.ledger, site.clock, site.observer, options);
        }) == errors::kSuperuserRefused.code);
  options.allow_superuser = true;
  CHECK(test::code_of([&] {
          Engagement::start(plan, render_plan(plan), *site.ledger, site.clock, site.observer, options);
        }).empty());
}

TEST_CASE("a plan that was changed after it was stamped is refused") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  Plan plan = test::items_plan(site);
  plan.steps[0].sql[0] = "DROP TABLE public.items";
  CHECK(test::code_of([&] { site.start(plan); }) == errors::kPlanDigest.code);
}

TEST_CASE("a run that was done without a point of no return can be rolled back as a whole") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  const std::string before = test::items_state(db);
  test::Site site(db);
  Plan plan = test::items_plan(site);
  plan.steps.resize(4);
  stamp(plan);
  auto engagement = site.start(plan);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::code_of([&] {
          engagement->rollback(RollbackRequest{Phase::kExpand, {}});
        }) == errors::kIrreversible.code);
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  CHECK(test::items_state(db) == before);
  engagement.reset();
  engagement = site.start(plan);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(site.ledger->runs().size() == 2);
}

TEST_SUITE_END();

}  // namespace falsework
