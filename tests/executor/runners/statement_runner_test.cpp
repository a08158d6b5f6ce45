#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {
using std::chrono::milliseconds;

namespace {

Step add_column() {
  return test::statement("items/expand/column", {"ALTER TABLE public.items ADD COLUMN b bigint"},
                         {"ALTER TABLE public.items DROP COLUMN b"});
}

bool has_column(const test::TestDatabase& db, const std::string& column) {
  return db.connect().value(
             "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.items'::regclass AND attname = "
             "$1 AND NOT attisdropped",
             {column}) == "1";
}

}  // namespace

TEST_SUITE_BEGIN("executor/runners/statement_runner");

TEST_CASE("effect and journal are committed together, and the ledger is told before and after") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 3);
    test::Site site(db);
    const auto engagement = site.start(test::plan_of({add_column()}, &site));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(has_column(db, "b"));
    CHECK(site.history(engagement->run()) == std::vector<std::string>{"run_created", "step_intent items/expand/column",
                                                                      "step_done items/expand/column", "run_done"});
    CHECK(db.connect().value("SELECT state FROM falsework.journal") == "done");
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kNothingToDo);
  }
}

TEST_CASE("what is asked of the catalog under a step's locks was planned before them, and is planned once") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 3);
    test::Site site(db);
    // The step itself looks at what its session has prepared: asked once before its locks and once under them.
    const std::string look =
        "CREATE TABLE public.seen AS SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement "
        "LIKE '%unnest($1::text[])%'";
    const Plan plan =
        test::plan_of({test::statement("items/expand/look", {look}, {"DROP TABLE public.seen"}), add_column()}, &site);
    const std::string run = site.start(plan)->run();
    const auto engagement = site.take_up(run);
    CHECK(engagement->advance(test::one_step("items/expand/look")) == Outcome::kTargetReached);
    CHECK(db.connect().value("SELECT generic_plans || ' ' || custom_plans FROM public.seen") == "2 0");
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  }
}

TEST_CASE("a statement that fails leaves nothing, and the run goes on after the cause is gone") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step step = add_column();
  step.sql.push_back("ALTER TABLE public.items ADD CONSTRAINT small CHECK (a < 5)");
  const auto engagement = site.start(test::plan_of({step}, &site));
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kStepFailed.code);
  CHECK(std::string(error.what()).find("items/expand/column") != std::string::npos);
  CHECK(std::string(error.what()).find("23514") != std::string::npos);
  CHECK(error.hint().find("falsework advance " + engagement->run()) != std::string::npos);
  CHECK_FALSE(has_column(db, "b"));
  CHECK(engagement->state().state == RunPhaseState::kFailed);
  db.exec("UPDATE public.items SET a = 1");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
}

TEST_CASE("a step whose effect is not there after its statements is rolled back") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step step = add_column();
  step.done_when = "SELECT false";
  const auto engagement = site.start(test::plan_of({step}, &site));
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kStepFailed.code);
  CHECK_FALSE(has_column(db, "b"));
}

TEST_CASE("a missing privilege has its own code and leaves the run intact") {
  test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  db.connect_as_superuser().exec("ALTER TABLE public.items OWNER TO CURRENT_USER");
  test::Site site(db);
  const auto engagement = site.start(test::plan_of({add_column()}));
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kPrivilegeMissing.code);
  db.connect_as_superuser().exec(fmt::format("ALTER TABLE public.items OWNER TO {}", db.role()));
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
}

TEST_CASE("a catalog that has drifted before the start, or between two steps, is named and nothing is changed") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  const Plan plan = test::plan_of({add_column(), test::gate("items/switch/gate", {GateCondition::Kind::kAdvance, ""}),
                                   test::statement("items/switch/more", {"ALTER TABLE public.items ADD COLUMN c int"},
                                                   {"ALTER TABLE public.items DROP COLUMN c"})},
                                  &site);
  db.exec("ALTER TABLE public.items ADD COLUMN stray int");
  const Error before = test::error_of([&] { site.start(plan); });
  CHECK(before.code() == errors::kPlanStale.code);
  CHECK(std::string(before.what()).find("items: column stray new") != std::string::npos);
  CHECK(site.ledger->runs().empty());
  db.exec("ALTER TABLE public.items DROP COLUMN stray");
  const auto engagement = site.start(plan);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  db.exec("ALTER TABLE public.items ALTER COLUMN a DROP NOT NULL");
  const Error between = test::error_of([&] { engagement->advance(test::to_the_end()); });
  CHECK(between.code() == errors::kPlanStale.code);
  CHECK(std::string(between.what()).find("items: column a changed") != std::string::npos);
  CHECK_FALSE(has_column(db, "c"));

  SUBCASE("undoing the drift lets it go on") {
    db.exec("ALTER TABLE public.items ALTER COLUMN a SET NOT NULL");
    CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
  }
  SUBCASE("a rollback goes on in spite of it, and says what is left") {
    CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
    CHECK_FALSE(has_column(db, "b"));
    CHECK(site.ledger->events(engagement->run()).back().detail.find("column a changed") != std::string::npos);
  }
  SUBCASE("a rollback in part does not make the drift pass unseen") {
    CHECK(engagement->rollback(RollbackRequest{{}, "items/expand/column"}) != Outcome::kNothingToDo);
    CHECK(test::code_of([&] { site.start(plan); }) == errors::kPlanStale.code);
  }
}

TEST_CASE("drift that commits while the step waits for its lock is found under the lock") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step step = add_column();
  // One try that waits for as long as it takes: a second one would look from the beginning.
  step.timeouts.lock = std::chrono::seconds(30);
  const auto engagement = site.start(test::plan_of({step}, &site));
  test::Client other = db.connect();
  other.exec("BEGIN; ALTER TABLE public.items ADD COLUMN stray int");
  bool waited = false;
  std::jthread committer([&] {
    test::Client watcher = db.connect_as_superuser();
    waited = test::wait_until(
        [&] {
          return watcher.value(
                     "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'public.items'::regclass") != "0";
        },
        std::chrono::seconds(20));
    other.exec("COMMIT");
  });
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  committer.join();
  CHECK(waited);
  CHECK(error.code() == errors::kPlanStale.code);
  CHECK_FALSE(has_column(db, "b"));
}

TEST_CASE("a lock that is not had within the budget leaves the run paused, and the blocker in the ledger") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step step = add_column();
  step.timeouts.budget = milliseconds(500);
  const auto engagement = site.start(test::plan_of({step}, &site));
  test::Client reader = db.connect();
  reader.exec("BEGIN; SELECT 1 FROM public.items");
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kLockBudget.code);
  CHECK(engagement->state().state == RunPhaseState::kPaused);
  REQUIRE_FALSE(site.observer.blockers.empty());
  CHECK(site.observer.blockers.front().find(fmt::format("pid {}", reader.pid())) != std::string::npos);
  reader.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
}

TEST_CASE("a stop request ends a long statement, rolls it back and leaves the run paused") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step step = add_column();
  step.sql.push_back("SELECT pg_catalog.pg_sleep(60)");
  const auto engagement = site.start(test::plan_of({step}, &site));
  std::jthread stopper([&] {
    CHECK(test::wait_until([&] {
      return db.connect_as_superuser().value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") ==
             "1";
    }));
    set_stop_signal(SIGINT);
  });
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kInterrupted.code);
  set_stop_signal(0);
  CHECK_FALSE(has_column(db, "b"));
  CHECK(engagement->state().state == RunPhaseState::kPaused);
}

TEST_CASE("undone steps begin a new generation and can be done again") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  const Plan plan =
      test::plan_of({add_column(), test::gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"}),
                     test::statement("items/switch/more", {"SELECT 1"}, {"SELECT 1"})},
                    &site);
  const auto engagement = site.start(plan);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  AdvanceRequest release;
  release.releases = {"2026.12"};
  CHECK(engagement->advance(release) == Outcome::kDone);
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  CHECK_FALSE(has_column(db, "b"));
  CHECK(db.connect().value("SELECT string_agg(concat(state, generation), ',') FROM falsework.journal") ==
        "undone2,undone2,undone2");
  CHECK(db.connect().value("SELECT count(*) FROM falsework.gate") == "0");
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kNothingToDo);
  CHECK(engagement->advance(release) == Outcome::kNothingToDo);
}

TEST_CASE("a gate that is undone closes again") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  const Plan plan =
      test::plan_of({add_column(), test::gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"}),
                     test::statement("items/switch/more", {"SELECT 1"}, {"SELECT 1"}),
                     test::gate("items/contract/gate", {GateCondition::Kind::kAdvance, ""})},
                    &site);
  const auto engagement = site.start(plan);
  AdvanceRequest release;
  release.releases = {"2026.12"};
  CHECK(engagement->advance(release) == Outcome::kAtGate);
  CHECK(engagement->rollback(RollbackRequest{Phase::kExpand, {}}) == Outcome::kTargetReached);
  CHECK(has_column(db, "b"));
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  CHECK(engagement->state().open_gates.empty());
  AdvanceRequest end = test::to_the_end();
  CHECK(engagement->advance(end) == Outcome::kDone);
}

TEST_CASE("what cannot be undone needs its confirmation before, and refuses a rollback after") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step drop = test::statement("items/contract/drop", {"ALTER TABLE public.items DROP COLUMN a"}, {});
  drop.undo = std::nullopt;
  drop.irreversible = true;
  drop.undo_note = "the values are gone";
  const auto engagement = site.start(test::plan_of(
      {add_column(), test::gate("items/contract/gate", {GateCondition::Kind::kAdvance, ""}), drop}, &site));
  AdvanceRequest request = test::to_the_end();
  request.confirmed = false;
  const Error unconfirmed = test::error_of([&] { engagement->advance(request); });
  CHECK(unconfirmed.code() == errors::kConfirmationMissing.code);
  CHECK(unconfirmed.hint().find("--confirm trial") != std::string::npos);
  CHECK(has_column(db, "a"));
  CHECK_FALSE(site.observer.saw("start items/contract/drop"));
  CHECK(db.connect().value("SELECT past_no_return FROM falsework.run") == "f");
  request.confirmed = true;
  CHECK(engagement->advance(request) == Outcome::kDone);
  CHECK(db.connect().value("SELECT past_no_return FROM falsework.run") == "t");
  CHECK(test::code_of([&] { engagement->rollback(RollbackRequest{}); }) == errors::kIrreversible.code);
  CHECK(has_column(db, "b"));
}

TEST_CASE("an advance by a person opens one gate, and the end as target opens all") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  const Plan plan = test::plan_of({test::gate("items/switch/gate", {GateCondition::Kind::kAdvance, ""}), add_column()});
  Plan two = plan;
  two.steps[1].phase = Phase::kSwitch;
  two.steps[1].id = "items/switch/column";
  two.steps.push_back(test::gate("items/contract/gate", {GateCondition::Kind::kAdvance, ""}));
  stamp(two);
  const auto engagement = site.start(two);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  CHECK_FALSE(has_column(db, "b"));
  AdvanceRequest person;
  person.open_advance_gates = true;
  CHECK(engagement->advance(person) == Outcome::kAtGate);
  CHECK(has_column(db, "b"));
  AdvanceRequest phase = AdvanceRequest{};
  phase.target = Target{Target::Kind::kPhase, Phase::kContract, {}};
  CHECK(test::code_of([&] { engagement->advance(phase); }) == errors::kGateClosed.code);
  CHECK(engagement->advance(test::to_the_end()) == Outcome::kDone);
}

// One lock timeout each would add up: behind the first table that it has, a client would wait for all of them, until
// the server takes the client for the victim of a deadlock.
TEST_CASE("all locks of a step together are waited for no longer than one lock timeout") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  db.exec("CREATE TABLE b (x int); CREATE TABLE c (x int); CREATE TABLE d (x int)");
  test::Site site(db);
  Step step = add_column();
  step.sql.insert(step.sql.begin(), "LOCK TABLE public.items, public.b, public.c, public.d IN ACCESS EXCLUSIVE MODE");
  for (const char* table : {"public.b", "public.c", "public.d"}) {
    step.locks.push_back({table, pg::LockMode::kAccessExclusive, pg::LockDuration::kMoment});
  }
  step.timeouts.lock = milliseconds(500);
  const auto engagement = site.start(test::plan_of({step}, &site));
  const auto hold = [&](const char* table, const char* seconds) {
    auto client = std::make_unique<test::Client>(db.connect());
    client->send(fmt::format("BEGIN; INSERT INTO {} VALUES (1); SELECT pg_sleep({}); COMMIT", table, seconds));
    return client;
  };
  const auto of_b = hold("b", "0.4");
  const auto of_c = hold("c", "0.8");
  test::Client client = db.connect();
  client.exec("BEGIN; INSERT INTO d VALUES (1)");
  std::string answer = "none";
  std::thread application([&] {
    test::Client watcher = db.connect();
    test::wait_until([&] {
      return watcher.value(
                 "SELECT count(*) FROM pg_locks WHERE relation = 'public.items'::regclass AND granted AND "
                 "mode = 'AccessExclusiveLock'") == "1";
    });
    answer = client.sqlstate_of("SELECT count(*) FROM public.items");
    client.sqlstate_of("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  application.join();
  CHECK(answer == "");
  CHECK(has_column(db, "b"));
  of_b->receive();
  of_c->receive();
}

TEST_CASE("an undo passes over what went with its whole schema") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 3);
  test::Site site(db);
  Step step = add_column();
  step.sql.insert(step.sql.end(), {"CREATE SCHEMA extra", "CREATE SEQUENCE extra.writes"});
  step.undo->insert(step.undo->end(), {"DROP SEQUENCE extra.writes", "DROP SCHEMA extra"});
  const auto engagement = site.start(test::plan_of({step}, &site));
  REQUIRE(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  db.exec("DROP SCHEMA extra CASCADE; ALTER TABLE public.items DROP COLUMN b");
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
}

TEST_SUITE_END();

}  // namespace falsework
