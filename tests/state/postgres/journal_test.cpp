#include "state/postgres/journal.h"

#include <algorithm>
#include <thread>

#include "tests/state/postgres/engine.h"

namespace falsework {

TEST_SUITE_BEGIN("state/postgres/journal");

using test::Engine;
using test::failure_of;
using test::journal_run;
using test::journal_step;
using test::Server;
using test::TestDatabase;

namespace {

constexpr const char* kRun = "users_email-1a2b3c4d";
constexpr const char* kCopy = "users.email/backfill/copy";

// A database with a journal and one run, which is held.
struct Held {
  explicit Held(int major = 0) : database(major == 0 ? Server::any() : Server::of(major)), engine(database.url()) {
    engine.journal.install();
    engine.journal.create_run(journal_run(kRun));
    engine.fence(kRun);
  }
  void record(JournalState state, int generation, const std::string& cursor = {}, std::int64_t rows = 0,
              const std::string& step = kCopy) {
    engine.journal.record(kRun, "digest", journal_step(step, state, generation, engine.epoch, cursor, rows));
  }
  JournalStep step(const std::string& id = kCopy) { return engine.journal.steps(kRun).at(id); }
  // The events of the history after the run was created and fenced.
  std::vector<std::string> history() {
    std::vector<std::string> events;
    for (const auto& row : database.connect().exec("SELECT event FROM falsework.history WHERE event NOT IN "
                                                   "('run_created', 'fenced') ORDER BY serial")) {
      events.push_back(row[0].value());
    }
    return events;
  }

  TestDatabase database;
  Engine engine;
};

}  // namespace

TEST_CASE("a run comes back as it was created, on every version") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const TestDatabase database(Server::of(major));
    Engine engine(database.url());
    engine.journal.install();
    JournalRun run = journal_run(kRun, {"users", "\"odd, \\ name\"", "sales.größe"});
    run.plan_text = "{\"why\": \"it's {all} \\\\ here\"}\n";
    engine.journal.create_run(run);
    const auto found = engine.journal.find_run(kRun);
    REQUIRE(found);
    CHECK(found->run == run.run);
    CHECK(found->name == run.name);
    CHECK(found->plan_digest == run.plan_digest);
    CHECK(found->plan_text == run.plan_text);
    CHECK(found->lineage == run.lineage);
    CHECK(found->relations == run.relations);
    CHECK(found->state == "active");
    CHECK(found->epoch == 0);
    CHECK(found->holder.empty());
    CHECK(found->held_since.empty());
    CHECK_FALSE(found->past_no_return);
    CHECK(engine.journal.find_run("other-1") == std::nullopt);
  }
}

TEST_CASE("a run that touches a relation of a run in flight is refused, by name") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  engine.journal.create_run(journal_run("a-1", {"orders", "users"}));
  const auto failure = failure_of([&] { engine.journal.create_run(journal_run("b-2", {"carts", "users"})); });
  CHECK(failure.code == "plan.conflict");
  CHECK(failure.message == "run b-2 touches users, as run a-1 does, which is in flight");
  CHECK(failure.hint == "Finish run a-1 first (`falsework advance a-1`) or roll it back.");
  CHECK(engine.journal.find_run("b-2") == std::nullopt);
  CHECK_FALSE(engine.session->in_transaction());

  engine.journal.create_run(journal_run("c-3", {"carts"}));
  engine.journal.finish_run("a-1", "done");
  engine.journal.create_run(journal_run("b-2", {"users"}));
  CHECK(engine.journal.runs().size() == 3);
}

TEST_CASE("a run that is there already is not created again") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  engine.journal.create_run(journal_run("a-1"));
  const auto failure = failure_of([&] { engine.journal.create_run(journal_run("a-1", {"other"})); });
  CHECK(failure.code == "object.exists");
  CHECK(failure.message == "run a-1 is in the journal already");
  CHECK(failure.hint == "Go on with it: `falsework advance`.");
}

TEST_CASE("of engines that create runs on one relation at the same time, one succeeds") {
  const TestDatabase database(Server::any());
  Engine(database.url()).journal.install();
  std::vector<std::string> outcomes(6);
  {
    std::vector<std::jthread> engines;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      engines.emplace_back([&outcomes, i, url = database.url()] {
        try {
          Engine engine(url);
          engine.journal.create_run(journal_run("run-" + std::to_string(i)));
          outcomes[i] = "created";
        } catch (const Error& error) {
          outcomes[i] = std::string(error.code());
        }
      });
    }
  }
  CHECK(std::count(outcomes.begin(), outcomes.end(), "created") == 1);
  CHECK(std::count(outcomes.begin(), outcomes.end(), "plan.conflict") == 5);
}

TEST_CASE("a run that is being created keeps every other from being created until it is known what it touches") {
  const TestDatabase database(Server::any());
  Engine first(database.url());
  Engine second(database.url());
  first.journal.install();
  second.session->query("SET lock_timeout = '200ms'");
  pg::Transaction transaction(*first.session);
  first.journal.create_run(journal_run("a-1"));
  CHECK(failure_of([&] { second.journal.create_run(journal_run("b-2")); }).code == "lock.budget_exhausted");
  transaction.commit();
  CHECK(failure_of([&] { second.journal.create_run(journal_run("b-2")); }).code == "plan.conflict");
}

TEST_CASE("a run that is created in a transaction is there when it commits, not before") {
  const TestDatabase database(Server::any());
  Engine engine(database.url());
  engine.journal.install();
  {
    const pg::Transaction transaction(*engine.session);
    engine.journal.create_run(journal_run("a-1"));
  }
  CHECK(engine.journal.runs().empty());
  pg::Transaction transaction(*engine.session);
  engine.journal.create_run(journal_run("a-1"));
  transaction.commit();
  CHECK(engine.journal.find_run("a-1"));
}

TEST_CASE("a step's row is what was recorded last, on every version") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    Held held(major);
    CHECK(held.engine.journal.steps(kRun).empty());
    held.record(JournalState::kIntent, 1);
    CHECK(held.step().state == JournalState::kIntent);
    held.record(JournalState::kDone, 1, "", 5);
    const JournalStep done = held.step();
    CHECK(done.state == JournalState::kDone);
    CHECK(done.generation == 1);
    CHECK(done.epoch == held.engine.epoch);
    CHECK(done.rows == 5);
    CHECK(done.at.size() == std::string("2026-12-01T03:00:00.000Z").size());
  }
}

TEST_CASE("a cursor goes with its generation: kept within it, cleared by the next") {
  Held held;
  held.record(JournalState::kIntent, 1, R"({"block": 10})", 100);
  CHECK(held.step().cursor == R"({"block": 10})");
  held.record(JournalState::kIntent, 1, R"({"block": 20})", 200);
  held.record(JournalState::kDone, 1, "", 200);
  CHECK(held.step().cursor == R"({"block": 20})");
  held.record(JournalState::kUndone, 2);
  CHECK(held.step().cursor.empty());
  CHECK(held.step().rows == 0);
  CHECK(held.step().generation == 2);
}

TEST_CASE("a transaction that rolls back takes its row of the journal with it") {
  Held held;
  {
    const pg::Transaction transaction(*held.engine.session);
    held.engine.journal.hold_epoch(kRun, held.engine.epoch, false);
    held.record(JournalState::kDone, 1);
  }
  CHECK(held.engine.journal.steps(kRun).empty());
  CHECK(held.history().empty());
}

TEST_CASE("the history holds each change of state, and not each batch") {
  Held held;
  held.record(JournalState::kIntent, 1);
  for (int i = 1; i <= 5; ++i) held.record(JournalState::kIntent, 1, R"({"block": )" + std::to_string(i) + "}", i);
  held.record(JournalState::kDone, 1, "", 5);
  held.record(JournalState::kUndoIntent, 1);
  held.record(JournalState::kUndone, 2);
  held.record(JournalState::kIntent, 2);
  CHECK(held.history() == std::vector<std::string>{"intent", "done", "undo_intent", "undone", "intent"});
}

TEST_CASE("a failed proof is not overwritten by trying again, only by an undo") {
  Held held;
  held.record(JournalState::kProofFailed, 1, "", 3);
  for (const JournalState state : {JournalState::kIntent, JournalState::kDone}) {
    const auto failure = failure_of([&] { held.record(state, 1); });
    CHECK(failure.code == "proof.failed");
    CHECK(failure.message == std::string("the proof of step ") + kCopy + " has failed and nobody has cleared it");
    CHECK(failure.hint ==
          "Look at the rows in disagreement; then roll the copy back, or clear the proof with a reason.");
    CHECK(held.step().state == JournalState::kProofFailed);
  }
  held.record(JournalState::kUndone, 2);
  held.record(JournalState::kDone, 2);
  CHECK(held.step().state == JournalState::kDone);
}

TEST_CASE("a row of an older generation does not overwrite a newer one") {
  Held held;
  held.record(JournalState::kIntent, 3);
  CHECK(failure_of([&] { held.record(JournalState::kDone, 2); }).code == "internal");
  CHECK(held.step().state == JournalState::kIntent);
  CHECK(held.step().generation == 3);
}

TEST_CASE("a row that is recorded outside a transaction waits for the epoch as a step does") {
  Held held;
  held.engine.session->query("SET lock_timeout = '200ms'");
  auto next = held.database.connect();
  next.exec("BEGIN; UPDATE falsework.run SET epoch = epoch + 1, holder = 'bob@host (2)', held_since = now()");
  CHECK(failure_of([&] { held.record(JournalState::kIntent, 1); }).code == "lock.budget_exhausted");
  next.exec("COMMIT");
  CHECK(failure_of([&] { held.record(JournalState::kIntent, 1); }).code == "run.held");
  CHECK(held.engine.journal.steps(kRun).empty());
}

TEST_CASE("a step of another plan is not recorded in the run") {
  Held held;
  const auto failure = failure_of([&] {
    held.engine.journal.record(kRun, "forged", journal_step(kCopy, JournalState::kDone, 1, held.engine.epoch));
  });
  CHECK(failure.code == "plan.digest_mismatch");
  CHECK(failure.message == std::string("run ") + kRun + " was started with plan digest, not with forged");
  CHECK(held.engine.journal.steps(kRun).empty());
}

TEST_CASE("a run that is not there cannot be recorded, fenced, marked or finished") {
  Held held;
  Journal& journal = held.engine.journal;
  const std::string message = "the journal has no run ghost-1";
  CHECK(failure_of([&] {
          journal.record("ghost-1", "digest", journal_step("s", JournalState::kDone, 1, 1));
        }).message == message);
  CHECK(failure_of([&] { held.engine.fence("ghost-1"); }).message == message);
  CHECK(failure_of([&] { journal.finish_run("ghost-1", "done"); }).message == message);
  const pg::Transaction transaction(*held.engine.session);
  CHECK(failure_of([&] { journal.mark_no_return("ghost-1"); }).message == message);
  const auto failure = failure_of([&] { journal.hold_epoch("ghost-1", 1, true); });
  CHECK(failure.code == "run.unknown");
  CHECK(failure.message == message);
  CHECK(failure.hint == "List the runs with `falsework status`.");
}

TEST_CASE("a fingerprint comes back as it was recorded last") {
  Held held;
  CHECK(held.engine.journal.fingerprint(kRun) == std::nullopt);
  held.engine.journal.record_fingerprint(kRun, {{"users", {{"column email", "aa"}}}});
  const Fingerprint last{{"users", {{"column \"e mail\"", "bb"}, {"index größe", "cc"}}}, {"orders", {}}};
  held.engine.journal.record_fingerprint(kRun, last);
  CHECK(held.engine.journal.fingerprint(kRun) == last);
}

TEST_CASE("a gate is opened once per condition, and closed as a whole") {
  Held held;
  Journal& journal = held.engine.journal;
  journal.open_gate(kRun, {"users/switch/gate", "release 2026.12", "ann@host", ""});
  journal.open_gate(kRun, {"users/switch/gate", "release 2026.12", "bob@host", ""});
  journal.open_gate(kRun, {"users/contract/gate", "advance", "bob@host", ""});
  const std::vector<JournalGate> gates = journal.gates(kRun);
  REQUIRE(gates.size() == 2);
  CHECK(gates[0].step == "users/switch/gate");
  CHECK(gates[0].condition == "release 2026.12");
  CHECK(gates[0].actor == "ann@host");
  CHECK(gates[0].at.size() == 24);
  CHECK(gates[1].condition == "advance");

  pg::Transaction transaction(*held.engine.session);
  journal.close_gate(kRun, "users/switch/gate");
  journal.close_gate(kRun, "users/never/gate");
  transaction.commit();
  REQUIRE(journal.gates(kRun).size() == 1);
  CHECK(journal.gates(kRun)[0].step == "users/contract/gate");
  CHECK(held.history() == std::vector<std::string>{"gate_opened", "gate_opened", "gate_closed"});
}

TEST_CASE("the point of no return is marked with the step that passes it, or not at all") {
  Held held;
  {
    const pg::Transaction transaction(*held.engine.session);
    held.engine.journal.mark_no_return(kRun);
  }
  CHECK_FALSE(held.engine.journal.find_run(kRun)->past_no_return);
  for (int i = 0; i < 2; ++i) {
    pg::Transaction transaction(*held.engine.session);
    held.engine.journal.mark_no_return(kRun);
    transaction.commit();
  }
  CHECK(held.engine.journal.find_run(kRun)->past_no_return);
  CHECK(held.history() == std::vector<std::string>{"past_no_return"});
}

TEST_CASE("a run is finished once") {
  Held held;
  held.engine.journal.finish_run(kRun, "done");
  held.engine.journal.finish_run(kRun, "done");
  CHECK(held.engine.journal.find_run(kRun)->state == "done");
  CHECK(held.history() == std::vector<std::string>{"run_done"});
}

TEST_SUITE_END();

}  // namespace falsework
