#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/stop.h"
#include "tests/state/postgres/engine.h"
#include "tests/support/wait.h"

namespace falsework {

TEST_SUITE_BEGIN("state/postgres/fence");

using namespace std::chrono_literals;
using test::Client;
using test::Engine;
using test::Failure;
using test::failure_of;
using test::journal_run;
using test::journal_step;
using test::Server;
using test::TestDatabase;
using test::wait_until;

namespace {

constexpr const char* kRun = "users_email-1a2b3c4d";

// A database with a journal, one run, and a table to write to.
struct Prepared {
  explicit Prepared(int major = 0) : database(major == 0 ? Server::any() : Server::of(major)) {
    Engine engine(database.url());
    engine.journal.install();
    engine.journal.create_run(journal_run(kRun));
    database.exec("CREATE TABLE public.effect (who text)");
  }
  std::string effects() const { return database.connect().value("SELECT count(*) FROM public.effect"); }

  TestDatabase database;
};

bool is_alive(Client& observer, int pid) {
  return observer.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid)) == "1";
}

// What an engine sends in a step: all of it in one transaction that begins with its epoch.
void run_step(Engine& engine, const std::string& who) {
  pg::Transaction transaction(*engine.session);
  engine.journal.hold_epoch(kRun, engine.epoch, false);
  engine.session->query("INSERT INTO public.effect VALUES ($1)", {who});
  engine.journal.record(kRun, "digest", journal_step("step", JournalState::kDone, 1, engine.epoch));
  transaction.commit();
}

// An engine that gets as far as its first transaction and then hangs, in a process of its own that can be stopped and
// killed. Its holder name is that of no other.
class ForkedEngine {
 public:
  // `work` runs in the child with the run held; the child then exits with 0, or with 1 when it threw.
  template <typename Work>
  ForkedEngine(const std::string& url, Work work) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      int status = 1;
      try {
        Engine engine(url, "forked@host (2)");
        engine.fence(kRun);
        if (write(ready[1], "x", 1) != 1) _exit(2);
        work(engine);
        status = 0;
      } catch (const Error& error) {
        status = error.code() == "run.held" ? 3 : error.code() == "database.unreachable" ? 4 : 1;
      } catch (...) {
        status = 1;
      }
      _exit(status);
    }
    close(ready[1]);
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
  }
  ~ForkedEngine() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  ForkedEngine(const ForkedEngine&) = delete;
  ForkedEngine& operator=(const ForkedEngine&) = delete;

  void signal(int number) const { REQUIRE(::kill(child_, number) == 0); }
  int end() {
    int status = 0;
    REQUIRE(waitpid(child_, &status, 0) == child_);
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t child_ = -1;
};

}  // namespace

TEST_CASE("each fence raises the epoch and says who holds the run, on every version") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const Prepared prepared(major);
    {
      Engine engine(prepared.database.url(), "ann@host (1)");
      CHECK(engine.fence(kRun) == 1);
      const auto run = engine.journal.find_run(kRun);
      CHECK(run->epoch == 1);
      CHECK(run->holder == "ann@host (1)");
      CHECK(run->held_since.size() == 24);
      run_step(engine, "ann");
    }
    Engine engine(prepared.database.url(), "bob@host (2)");
    CHECK(engine.fence(kRun) == 2);
    CHECK(engine.journal.find_run(kRun)->holder == "bob@host (2)");
    CHECK(engine.journal.steps(kRun).at("step").epoch == 1);
    CHECK(prepared.effects() == "1");
  }
}

TEST_CASE("a second engine is told who holds the run, since when, and by which server process") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const Prepared prepared(major);
    Engine first(prepared.database.url(), "ann@host (1)");
    first.fence(kRun);
    Engine second(prepared.database.url(), "bob@host (2)");
    const auto begun = std::chrono::steady_clock::now();
    const Failure failure = failure_of([&] { second.fence(kRun, 200ms); });
    CHECK(std::chrono::steady_clock::now() - begun < 3s);
    CHECK(failure.code == "run.held");
    const std::string pid = std::to_string(first.session->backend_pid());
    CHECK(failure.message == std::string("run ") + kRun + " is held by ann@host (1) since " +
                                 first.journal.find_run(kRun)->held_since + ", server process " + pid +
                                 " (falsework test, idle)");
    CHECK(failure.hint ==
          "Try again once it has ended. If that engine is gone for good, end what it left behind with --take-over, or "
          "with: SELECT pg_terminate_backend(" +
              pid + ");");
    run_step(first, "ann");
    CHECK(prepared.effects() == "1");
  }
}

TEST_CASE("an engine that ends lets the next one in, within its patience") {
  const Prepared prepared;
  auto first = std::make_unique<Engine>(prepared.database.url(), "ann@host (1)");
  first->fence(kRun);
  const std::jthread ending([&first] {
    std::this_thread::sleep_for(300ms);
    first.reset();
  });
  Engine second(prepared.database.url(), "bob@host (2)");
  CHECK(second.fence(kRun, 10s) == 2);
}

TEST_CASE("two runs are held by two engines at the same time") {
  const Prepared prepared;
  Engine first(prepared.database.url(), "ann@host (1)");
  Engine second(prepared.database.url(), "bob@host (2)");
  first.journal.create_run(journal_run("orders-2", {"orders"}));
  CHECK(first.fence(kRun) == 1);
  CHECK(second.fence("orders-2") == 1);
}

TEST_CASE("waiting for a run holds no snapshot and no transaction") {
  const Prepared prepared;
  Engine first(prepared.database.url(), "ann@host (1)");
  first.fence(kRun);
  Engine second(prepared.database.url(), "bob@host (2)");
  auto observer = prepared.database.connect_as_superuser();
  const std::string pid = std::to_string(second.session->backend_pid());
  Failure failure;
  std::jthread waiting([&] {
    try {
      second.fence(kRun, 1500ms);
    } catch (const Error& error) {
      failure.code = error.code();
    }
  });
  int waits = 0;
  for (int i = 0; i < 100; ++i) {
    waits += observer.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid +
                            " AND (state = 'idle in transaction' OR wait_event_type = 'Lock')") == "1";
    std::this_thread::sleep_for(5ms);
  }
  waiting.join();
  CHECK(waits == 0);
  CHECK(failure.code == "run.held");
}

TEST_CASE("a request to stop ends the wait for a run") {
  const Prepared prepared;
  Engine first(prepared.database.url(), "ann@host (1)");
  first.fence(kRun);
  Engine second(prepared.database.url(), "bob@host (2)");
  set_stop_signal(SIGTERM);
  const Failure failure = failure_of([&] { second.fence(kRun, 60s); });
  set_stop_signal(0);
  CHECK(failure.code == "stopped.terminate");
}

TEST_CASE("an engine that was overtaken can write nothing, in a transaction or alone") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const Prepared prepared(major);
    Engine old(prepared.database.url(), "ann@host (1)");
    const std::uint64_t old_epoch = old.fence(kRun);
    // Its session with the lock is lost while another, which the server does not know to be of the run, lives on.
    Engine stray(prepared.database.url(), "ann@host (1)");
    stray.epoch = old_epoch;
    prepared.database.connect().exec("SELECT pg_terminate_backend(" + std::to_string(old.session->backend_pid()) + ")");
    Engine next(prepared.database.url(), "bob@host (2)");
    REQUIRE(next.fence(kRun) == old_epoch + 1);
    const std::string since = next.journal.find_run(kRun)->held_since;

    const std::string message =
        std::string("run ") + kRun + " was overtaken by bob@host (2) at " + since + ": its epoch is 2, ours is 1";
    const Failure in_step = failure_of([&] { run_step(stray, "old"); });
    CHECK(in_step.code == "run.held");
    CHECK(in_step.message == message);
    CHECK(in_step.hint == "Nothing more was changed here. See where the run stands with `falsework status`.");
    CHECK(failure_of([&] {
            stray.journal.record(kRun, "digest", journal_step("step", JournalState::kIntent, 1, old_epoch));
          }).message == message);
    CHECK(failure_of([&] { stray.journal.register_backend(kRun, old_epoch, stray.session->backend_pid()); }).message ==
          message);
    {
      const pg::Transaction transaction(*stray.session);
      CHECK(failure_of([&] { stray.journal.hold_epoch(kRun, old_epoch, true); }).message == message);
    }
    CHECK(prepared.effects() == "0");
    CHECK(next.journal.steps(kRun).empty());
    run_step(next, "new");
    CHECK(prepared.effects() == "1");
  }
}

TEST_CASE("a transaction that waits for its epoch while it is raised changes nothing when it wakes up") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const Prepared prepared(major);
    Engine old(prepared.database.url(), "ann@host (1)");
    old.fence(kRun);
    // The row is kept by somebody else, so that the old engine's transaction has to queue for it.
    auto keeper = prepared.database.connect();
    keeper.exec("BEGIN; UPDATE falsework.run SET epoch = epoch + 1, holder = 'bob@host (2)', held_since = now()");
    auto zombie = prepared.database.connect();
    zombie.exec("BEGIN");
    zombie.send("SELECT 1 FROM falsework.run WHERE run = '" + std::string(kRun) + "' AND epoch = 1 FOR SHARE");
    auto observer = prepared.database.connect_as_superuser();
    REQUIRE(wait_until([&] {
      return observer.value("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " +
                            std::to_string(zombie.pid())) == "1";
    }));
    keeper.exec("COMMIT");
    CHECK(zombie.receive().empty());
  }
}

TEST_CASE("a transaction of a dead engine that is still running is ended, and its effect undone") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const Prepared prepared(major);
    // The worker is registered and in the middle of a batch; the engine's own session dies with it unnoticed.
    auto old = std::make_unique<Engine>(prepared.database.url(), "ann@host (1)");
    old->fence(kRun);
    auto worker = prepared.database.connect();
    old->journal.register_backend(kRun, old->epoch, worker.pid());
    worker.exec("BEGIN");
    worker.exec("SELECT 1 FROM falsework.run WHERE run = '" + std::string(kRun) + "' AND epoch = 1 FOR SHARE");
    worker.exec("INSERT INTO public.effect VALUES ('zombie')");
    worker.send("SELECT pg_sleep(60)");
    old.reset();

    Engine next(prepared.database.url(), "bob@host (2)");
    const auto begun = std::chrono::steady_clock::now();
    CHECK(next.fence(kRun) == 2);
    CHECK(std::chrono::steady_clock::now() - begun < 8s);
    auto observer = prepared.database.connect_as_superuser();
    CHECK_FALSE(is_alive(observer, worker.pid()));
    CHECK(prepared.effects() == "0");
    CHECK(observer.value("SELECT string_agg(epoch::text, ',') FROM falsework.backend") == "2");
  }
}

TEST_CASE("a registered backend that runs outside any transaction is ended before the journal is read") {
  const Prepared prepared;
  auto old = std::make_unique<Engine>(prepared.database.url(), "ann@host (1)");
  old->fence(kRun);
  auto worker = prepared.database.connect();
  old->journal.register_backend(kRun, old->epoch, worker.pid());
  worker.send("SELECT pg_sleep(60)");
  old.reset();

  Engine next(prepared.database.url(), "bob@host (2)");
  next.fence(kRun);
  auto observer = prepared.database.connect_as_superuser();
  CHECK_FALSE(is_alive(observer, worker.pid()));
}

TEST_CASE("a session that has the process id of an old backend, but began later, is left alone") {
  const Prepared prepared;
  { Engine(prepared.database.url(), "ann@host (1)").fence(kRun); }
  auto bystander = prepared.database.connect();
  prepared.database.exec("INSERT INTO falsework.backend (run, epoch, pid, backend_start, role, host) VALUES ('" +
                         std::string(kRun) + "', 1, " + std::to_string(bystander.pid()) +
                         ", now() - interval '1 hour', current_user, 'local')");
  Engine next(prepared.database.url(), "bob@host (2)");
  next.fence(kRun);
  CHECK(bystander.value("SELECT 1") == "1");
}

TEST_CASE("a backend that belongs to a role beyond our reach is named, and the run stays with nobody") {
  TestDatabase database(Server::any());
  const std::string other = database.add_role("other");
  database.connect_as_superuser().exec("GRANT \"" + database.role() + "\" TO \"" + other + "\"");
  {
    Engine engine(database.url());
    engine.journal.install();
    engine.journal.create_run(journal_run(kRun));
  }
  auto old = std::make_unique<Engine>(database.url_as(other), "ann@host (1)");
  old->fence(kRun);
  Client worker(database.url_as(other));
  old->journal.register_backend(kRun, old->epoch, worker.pid());
  old.reset();

  const std::string pid = std::to_string(worker.pid());
  Engine next(database.url(), "bob@host (2)");
  for (int i = 0; i < 2; ++i) {
    const Failure failure = failure_of([&] { next.fence(kRun); });
    CHECK(failure.code == "run.held");
    CHECK(failure.message ==
          "server process " + pid + " of an older engine belongs to role " + other + " and cannot be ended");
    CHECK(failure.hint ==
          "Connect as " + other + ", or let a superuser run: SELECT pg_terminate_backend(" + pid + ");");
  }
  worker.close();
  auto observer = database.connect_as_superuser();
  REQUIRE(
      wait_until([&] { return observer.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid) == "0"; }));
  CHECK(next.fence(kRun) == 4);
}

TEST_CASE("an engine whose connection was lost takes its run up again at once") {
  const Prepared prepared;
  // The server has not noticed: the session is still there, with the lock.
  Engine lost(prepared.database.url(), "ann@host (1)");
  lost.fence(kRun);
  Engine again(prepared.database.url(), "ann@host (1)");
  CHECK(again.fence(kRun, 5s) == 2);
  auto observer = prepared.database.connect_as_superuser();
  CHECK_FALSE(is_alive(observer, lost.session->backend_pid()));
}

TEST_CASE("an engine that was killed in the middle of a statement leaves a run that can be taken up") {
  for (const int major : Server::majors()) {
    CAPTURE(major);
    const Prepared prepared(major);
    ForkedEngine forked(prepared.database.url(), [](Engine& engine) {
      pg::Transaction transaction(*engine.session);
      engine.journal.hold_epoch(kRun, engine.epoch, false);
      engine.session->query("INSERT INTO public.effect VALUES ('killed')");
      engine.session->query("SELECT pg_catalog.pg_sleep(60)");
      transaction.commit();
    });
    auto observer = prepared.database.connect_as_superuser();
    REQUIRE(wait_until(
        [&] { return observer.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"; }));
    forked.signal(SIGKILL);
    Engine next(prepared.database.url(), "bob@host (3)");
    CHECK(next.fence(kRun, 15s) == 2);
    CHECK(prepared.effects() == "0");
    run_step(next, "next");
    CHECK(prepared.effects() == "1");
  }
}

TEST_CASE("an engine that is stopped keeps its run, and can do nothing once it was overtaken and goes on") {
  const Prepared prepared;
  ForkedEngine forked(prepared.database.url(), [](Engine& engine) {
    std::this_thread::sleep_for(300ms);
    run_step(engine, "stopped");
  });
  forked.signal(SIGSTOP);
  Engine next(prepared.database.url(), "bob@host (3)");
  const Failure failure = failure_of([&] { next.fence(kRun, 500ms); });
  CHECK(failure.code == "run.held");
  CHECK(failure.message.find("is held by forked@host (2) since ") != std::string::npos);

  // As the hint says.
  const std::string command = failure.hint.substr(failure.hint.find("SELECT"));
  next.session->query(command.substr(0, command.find(';')));
  CHECK(next.fence(kRun) == 2);
  forked.signal(SIGCONT);
  CHECK(forked.end() == 4);
  CHECK(prepared.effects() == "0");
}

TEST_CASE("batches of several workers hold the epoch side by side, and a step holds it alone") {
  const Prepared prepared;
  Engine engine(prepared.database.url());
  engine.fence(kRun);
  Engine worker(prepared.database.url());
  worker.session->query("SET lock_timeout = '200ms'");
  {
    const pg::Transaction batch(*engine.session);
    engine.journal.hold_epoch(kRun, engine.epoch, true);
    const pg::Transaction other(*worker.session);
    worker.journal.hold_epoch(kRun, engine.epoch, true);
  }
  {
    const pg::Transaction step(*engine.session);
    engine.journal.hold_epoch(kRun, engine.epoch, false);
    const pg::Transaction other(*worker.session);
    CHECK(failure_of([&] { worker.journal.hold_epoch(kRun, engine.epoch, true); }).code == "lock.budget_exhausted");
  }
}

TEST_CASE("a batch that holds the epoch keeps it from being raised past it") {
  for (const bool shared : {true, false}) {
    CAPTURE(shared);
    const Prepared prepared;
    Engine engine(prepared.database.url());
    engine.fence(kRun);
    const pg::Transaction batch(*engine.session);
    engine.journal.hold_epoch(kRun, engine.epoch, shared);
    auto other = prepared.database.connect();
    CHECK(other.sqlstate_of("SET lock_timeout = '200ms'; UPDATE falsework.run SET epoch = epoch + 1") == "55P03");
  }
}

TEST_CASE("a row of the run that somebody has locked by hand is said to be held by that process") {
  const Prepared prepared;
  auto other = prepared.database.connect();
  other.exec("BEGIN; SELECT 1 FROM falsework.run FOR UPDATE");
  Engine engine(prepared.database.url());
  // A clock of its own, so that the patience of the fence passes at once.
  ManualClock clock;
  const Failure failure = failure_of([&] { engine.journal.fence(kRun, engine.holder, clock, 1s); });
  CHECK(failure.code == "run.held");
  CHECK(failure.message == std::string("run ") + kRun + " is held by another process, server process " +
                               std::to_string(other.pid()) + " (idle in transaction)");
  other.exec("ROLLBACK");
  CHECK(engine.fence(kRun) == 1);
}

TEST_CASE("a fence that failed does not keep the run") {
  const Prepared prepared;
  auto other = prepared.database.connect();
  other.exec("BEGIN; SELECT 1 FROM falsework.run FOR UPDATE");
  Engine engine(prepared.database.url());
  ManualClock clock;
  CHECK(failure_of([&] { engine.journal.fence(kRun, engine.holder, clock, 1s); }).code == "run.held");
  other.exec("ROLLBACK");
  Engine next(prepared.database.url(), "bob@host (2)");
  CHECK(next.fence(kRun, 1s) == 1);
}

TEST_CASE("a backend that is gone cannot be registered") {
  const Prepared prepared;
  Engine engine(prepared.database.url());
  engine.fence(kRun);
  const Failure failure = failure_of([&] { engine.journal.register_backend(kRun, engine.epoch, 2147483647); });
  CHECK(failure.code == "database.unreachable");
  CHECK(failure.message == "server process 2147483647 is gone");
  engine.journal.register_backend(kRun, engine.epoch, engine.session->backend_pid());
  CHECK(prepared.database.connect().value("SELECT count(*) FROM falsework.backend") == "1");
}

TEST_SUITE_END();

}  // namespace falsework
