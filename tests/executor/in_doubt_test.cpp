// A COMMIT whose answer is lost is settled by the fence and the journal, never by guessing.
#include <doctest/doctest.h>

#include "base/error_kinds.h"
#include "tests/executor/site.h"
#include "tests/postgres/session/proxy.h"

namespace falsework {

namespace {

struct Ending {
  bool struck = false;
  std::string state;
};

// Runs the items plan to its end over a connection that breaks at the n-th COMMIT.
Ending run_with_fault(const test::TestDatabase& database, test::Fault fault, int commit) {
  test::Site site(database);
  const Plan plan = test::items_plan(site);
  const test::Proxy proxy(database, fault, commit);
  ExecutorOptions options = site.options();
  options.connection.conninfo = proxy.url();
  const auto start = [&] {
    return Engagement::start(plan, render_plan(plan), *site.ledger, site.clock, site.observer, options);
  };
  std::unique_ptr<Engagement> engagement;
  try {
    engagement = start();
  } catch (const Error& error) {
    // Before the run is held nothing goes on by itself: a person types the command again.
    REQUIRE(error.code() == errors::kDatabaseUnreachable.code);
    engagement = start();
  }
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
  CHECK(site.ledger->runs().size() == 1);
  CHECK(site.ledger->verify_chain().empty());
  for (const Step& step : plan.steps) {
    CAPTURE(step.id);
    CHECK(engagement->state().steps.at(step.id).state == StepState::kDone);
  }
  return {proxy.struck(), test::items_state(database)};
}

// Goes as far as the gate of the switch over a sound connection, and back over one that breaks at the n-th COMMIT.
Ending roll_back_with_fault(const test::TestDatabase& database, test::Fault fault, int commit) {
  test::Site site(database);
  const std::string run = [&] {
    const auto engagement = site.start(test::items_plan(site));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
    return engagement->run();
  }();
  const test::Proxy proxy(database, fault, commit);
  ExecutorOptions options = site.options();
  options.connection.conninfo = proxy.url();
  const auto take_up = [&] {
    return Engagement::take_up(*site.ledger->find_run(run), *site.ledger, site.clock, site.observer, options);
  };
  std::unique_ptr<Engagement> engagement;
  try {
    engagement = take_up();
  } catch (const Error& error) {
    // As above; and the server may not have noticed yet that the session is gone.
    REQUIRE(error.code() == errors::kDatabaseUnreachable.code);
    engagement = take_up();
  }
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  CHECK(site.ledger->verify_chain().empty());
  return {proxy.struck(), test::items_state(database)};
}

void strike_each_commit_of_a_rollback(test::Fault fault) {
  const test::TestDatabase original(test::Server::any());
  test::create_items(original, 200);
  const std::string before = test::items_state(original);
  int struck = 0;
  for (int commit = 1;; ++commit) {
    CAPTURE(commit);
    const test::TestDatabase copy = original.clone();
    const Ending ending = roll_back_with_fault(copy, fault, commit);
    CHECK(ending.state == before);
    if (!ending.struck) break;
    ++struck;
  }
  CHECK(struck > 6);
}

void strike_each_commit(test::Fault fault) {
  const test::TestDatabase original(test::Server::any());
  test::create_items(original, 600);
  std::string clean;
  {
    const test::TestDatabase copy = original.clone();
    clean = run_with_fault(copy, test::Fault::kNone, 0).state;
  }
  int struck = 0;
  // The batches in the middle are alike: every sixth of them will do.
  for (int commit = 1;; commit += commit >= 8 && commit < 20 ? 6 : 1) {
    CAPTURE(commit);
    const test::TestDatabase copy = original.clone();
    const Ending ending = run_with_fault(copy, fault, commit);
    if (!ending.struck) break;
    ++struck;
    CHECK(ending.state == clean);
  }
  CHECK(struck > 15);
}

}  // namespace

TEST_SUITE_BEGIN("executor/in_doubt");

TEST_CASE("a COMMIT that took place and was not answered counts once") {
  strike_each_commit(test::Fault::kLosesAnswer);
}

TEST_CASE("a COMMIT that never arrived is sent again by running its step again") {
  strike_each_commit(test::Fault::kLosesRequest);
}

TEST_CASE("a COMMIT of a rollback that was not answered counts once") {
  strike_each_commit_of_a_rollback(test::Fault::kLosesAnswer);
}

TEST_CASE("a COMMIT of a rollback that never arrived is sent again") {
  strike_each_commit_of_a_rollback(test::Fault::kLosesRequest);
}

TEST_SUITE_END();

}  // namespace falsework
