#include "executor/locks/look_then_leap.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "executor/locks/holders.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {
using std::chrono::milliseconds;

namespace {

struct Ground {
  explicit Ground(const test::TestDatabase& database) : session(connect(database)) {
    leap.locks = {test::lock_on("items", pg::LockMode::kAccessExclusive)};
    leap.lock_timeout = milliseconds(150);
    leap.budget = milliseconds(5000);
    leap.what = "step items/expand/column";
    leap.blocked = [this](int, const std::vector<std::string>& lines) {
      ++reports;
      blockers = lines;
    };
  }

  static std::unique_ptr<pg::Session> connect(const test::TestDatabase& database) {
    pg::ConnectionSettings settings;
    settings.conninfo = database.url();
    settings.application_name = "falsework";
    return pg::connect(settings);
  }

  void run() {
    look_then_leap(*session, clock, random, leap, [this](const LockTry& chosen) {
      tries.push_back(chosen);
      pg::Transaction transaction(*session);
      session->query(fmt::format("SET LOCAL lock_timeout = '{}ms'", chosen.lock_timeout.count()));
      if (chosen.deadlock_timeout) {
        session->query(fmt::format("SET LOCAL deadlock_timeout = '{}ms'", chosen.deadlock_timeout->count()));
      }
      session->query("LOCK TABLE public.items IN ACCESS EXCLUSIVE MODE");
      transaction.commit();
    });
  }

  std::unique_ptr<pg::Session> session;
  SystemClock clock;
  std::minstd_rand random{7};
  Leap leap;
  std::vector<LockTry> tries;
  std::vector<std::string> blockers;
  std::atomic<int> reports = 0;  // read by threads that stand in the way
};

}  // namespace

TEST_SUITE_BEGIN("executor/locks/look_then_leap");

TEST_CASE("with nobody in the way the first try succeeds and nothing is reported") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 1);
    Ground ground(db);
    ground.run();
    CHECK(ground.tries.size() == 1);
    CHECK(ground.reports.load() == 0);
  }
}

TEST_CASE("a holder older than the timeout is named, and nobody queues behind us meanwhile") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  test::Client holder = db.connect();
  holder.exec("BEGIN; SELECT count(*) FROM public.items WHERE a::text <> 'secret'");
  std::this_thread::sleep_for(milliseconds(300));
  Ground ground(db);
  std::jthread release([&] {
    CHECK(test::wait_until([&] { return ground.reports > 0; }));
    test::Client reader = db.connect();
    const auto begun = std::chrono::steady_clock::now();
    reader.exec("SELECT count(*) FROM public.items");
    CHECK(std::chrono::steady_clock::now() - begun < milliseconds(100));
    holder.exec("COMMIT");
  });
  ground.run();
  release.join();
  CHECK(ground.tries.size() == 1);
  REQUIRE(ground.blockers.size() == 1);
  const std::string& line = ground.blockers.front();
  CAPTURE(line);
  CHECK(line.find(fmt::format("pid {}", holder.pid())) != std::string::npos);
  CHECK(line.find(db.role()) != std::string::npos);
  CHECK(line.find("AccessShareLock") != std::string::npos);
  CHECK(line.find("idle in transaction") != std::string::npos);
  CHECK(line.find("secret") == std::string::npos);
}

TEST_CASE("a holder younger than the timeout is met by a try with that timeout, and another") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  Ground ground(db);
  ground.leap.lock_timeout = milliseconds(600);
  test::Client holder = db.connect();
  holder.exec("BEGIN; LOCK TABLE public.items IN ROW SHARE MODE");
  std::jthread release([&] {
    CHECK(test::wait_until([&] { return ground.reports > 0; }));
    holder.exec("COMMIT");
  });
  ground.run();
  release.join();
  CHECK(ground.tries.size() >= 2);
  CHECK(ground.tries.front().lock_timeout == milliseconds(600));
}

TEST_CASE("past its budget it gives up, names who holds the lock, and says that it is temporary") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  test::Client holder = db.connect();
  holder.exec("BEGIN; SELECT 1 FROM public.items");
  std::this_thread::sleep_for(milliseconds(200));
  Ground ground(db);
  ground.leap.budget = milliseconds(400);
  const Error error = test::error_of([&] { ground.run(); });
  CHECK(error.code() == errors::kLockBudget.code);
  CHECK(error.exit() == ExitCode::kTemporary);
  CHECK(std::string(error.what()).find(fmt::format("pid {}", holder.pid())) != std::string::npos);
  CHECK(ground.tries.empty());
}

TEST_CASE("a prepared transaction is named by its gid") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  test::Client holder = db.connect();
  holder.exec("BEGIN; LOCK TABLE public.items IN ROW SHARE MODE; PREPARE TRANSACTION 'left_behind'");
  Ground ground(db);
  ground.leap.budget = milliseconds(400);
  const Error error = test::error_of([&] { ground.run(); });
  CHECK(error.code() == errors::kLockBudget.code);
  CHECK(std::string(error.what()).find("prepared transaction left_behind") != std::string::npos);
  holder.exec("ROLLBACK PREPARED 'left_behind'");
}

TEST_CASE("an autovacuum gives way, to a lower deadlock_timeout where that is permitted, else to one longer try") {
  for (const bool permitted : {false, true}) {
    const test::TestDatabase db(test::Server::any());
    if (permitted && db.server().major() < 15) continue;
    CAPTURE(permitted);
    test::create_items(db, 20000);
    test::Client admin = db.connect_as_superuser();
    if (permitted) admin.exec(fmt::format("GRANT SET ON PARAMETER deadlock_timeout TO {}", db.role()));
    // A vacuum that begins soon and takes for ever.
    db.exec(
        "ALTER TABLE public.items SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, "
        "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)");
    admin.exec("ALTER SYSTEM SET autovacuum_naptime = '1s'");
    admin.exec("SELECT pg_reload_conf()");
    db.exec("DELETE FROM public.items WHERE id % 2 = 0");
    const auto session = Ground::connect(db);
    const auto vacuum = [&] {
      const auto holders = find_holders(*session, {test::lock_on("items", pg::LockMode::kAccessExclusive)});
      return !holders.empty() && holders.front().autovacuum;
    };
    CHECK(test::wait_until(vacuum, std::chrono::seconds(30)));
    // No second vacuum: what is tested is that this one goes.
    admin.exec("ALTER SYSTEM RESET autovacuum_naptime");
    admin.exec("SELECT pg_reload_conf()");
    Ground ground(db);
    ground.run();
    REQUIRE_FALSE(ground.tries.empty());
    if (permitted) {
      CHECK(ground.tries.front().deadlock_timeout == milliseconds(20));
      CHECK(ground.tries.front().lock_timeout == milliseconds(150));
      admin.exec(fmt::format("REVOKE SET ON PARAMETER deadlock_timeout FROM {}", db.role()));
    } else {
      CHECK_FALSE(ground.tries.front().deadlock_timeout.has_value());
      CHECK(ground.tries.front().lock_timeout == milliseconds(1200));
    }
    CHECK(ground.tries.size() == 1);
  }
}

TEST_CASE("who stands in the way is seen during the try: whoever waits behind us is not named") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  Ground ground(db);
  ground.leap.lock_timeout = milliseconds(1000);
  ground.leap.open_watch = [&] { return Ground::connect(db); };
  std::vector<std::string> first;
  ground.leap.blocked = [&](int, const std::vector<std::string>& lines) {
    if (first.empty()) first = lines;
    ++ground.reports;
  };
  test::Client holder = db.connect();
  test::Client behind = db.connect();
  test::Client observer = db.connect();
  holder.exec("BEGIN; LOCK TABLE public.items IN ROW SHARE MODE");
  std::jthread others([&] {
    const std::string waiting =
        "SELECT count(*) FROM pg_locks WHERE relation = 'public.items'::regclass AND NOT granted";
    CHECK(test::wait_until([&] { return observer.value(waiting) == "1"; }));
    behind.send("BEGIN; SELECT count(*) FROM public.items");
    CHECK(test::wait_until([&] { return ground.reports > 0; }));
    behind.receive();
    behind.exec("COMMIT");
    holder.exec("COMMIT");
  });
  ground.run();
  others.join();
  REQUIRE(first.size() == 1);
  CHECK(first.front().find(fmt::format("pid {} ", holder.pid())) != std::string::npos);
  CHECK(first.front().find("holds RowShareLock on public.items") != std::string::npos);
}

TEST_CASE("without leave nobody is ended; with it, who stood in the way for the grace is, and it is told") {
  for (const bool allowed : {false, true}) {
    CAPTURE(allowed);
    const test::TestDatabase db(test::Server::any());
    test::create_items(db, 1);
    Ground ground(db);
    ground.leap.terminate_blockers = allowed;
    ground.leap.grace = milliseconds(300);
    ground.leap.budget = milliseconds(2000);
    std::vector<std::string> told;
    ground.leap.blocked = [&](int, const std::vector<std::string>& lines) {
      told.insert(told.end(), lines.begin(), lines.end());
    };
    test::Client holder = db.connect();
    holder.exec("BEGIN; SELECT FROM public.items");
    const int pid = holder.pid();
    test::Client bystander = db.connect();
    bystander.exec("BEGIN; SELECT 1");
    CHECK(test::code_of([&] { ground.run(); }) == (allowed ? "" : errors::kLockBudget.code));
    const bool ended = holder.sqlstate_of("SELECT 1") == "57P01" || !holder.alive();
    CHECK(ended == allowed);
    CHECK(bystander.value("SELECT 1") == "1");
    const bool said = std::any_of(told.begin(), told.end(), [&](const std::string& line) {
      return line.rfind(fmt::format("ended: pid {} ", pid), 0) == 0;
    });
    CHECK(said == allowed);
  }
}

TEST_CASE("engines, prepared transactions and sessions that the role may not end are left, and told") {
  test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  const std::string stranger = db.add_role("stranger");
  db.exec("GRANT USAGE ON SCHEMA public TO " + stranger + "; GRANT SELECT ON public.items TO " + stranger);
  Ground ground(db);
  ground.leap.terminate_blockers = true;
  ground.leap.grace = milliseconds(0);
  ground.leap.budget = milliseconds(1200);
  std::string told;
  ground.leap.blocked = [&](int, const std::vector<std::string>& lines) {
    for (const std::string& line : lines) told += line + "\n";
  };
  test::Client engine = db.connect();
  engine.exec("BEGIN; SELECT FROM public.items");
  ground.leap.our_pids = [&] { return std::vector<int>{engine.pid()}; };
  test::Client other(db.url_as(stranger));
  other.exec("BEGIN; SELECT FROM public.items");
  test::Client prepared = db.connect();
  prepared.exec("BEGIN; LOCK TABLE public.items IN ROW SHARE MODE; PREPARE TRANSACTION 'left_behind'");
  CHECK(test::code_of([&] { ground.run(); }) == errors::kLockBudget.code);
  CHECK(engine.value("SELECT 1") == "1");
  CHECK(other.value("SELECT 1") == "1");
  CHECK(prepared.value("SELECT count(*) FROM pg_prepared_xacts") == "1");
  CHECK(told.find(fmt::format("GRANT pg_signal_backend TO {}", db.role())) != std::string::npos);
  CHECK(told.find("prepared transaction left_behind") != std::string::npos);
  CHECK(told.find("ended:") == std::string::npos);
  prepared.exec("ROLLBACK PREPARED 'left_behind'");
  // The same with the right to.
  db.connect_as_superuser().exec("GRANT pg_signal_backend TO " + db.role());
  Ground permitted(db);
  permitted.leap.terminate_blockers = true;
  permitted.leap.grace = milliseconds(0);
  engine.exec("ROLLBACK");
  permitted.run();
  CHECK_FALSE((other.sqlstate_of("SELECT 1").empty() && other.alive()));
}

TEST_CASE("a stop request ends the wait") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  test::Client holder = db.connect();
  holder.exec("BEGIN; SELECT 1 FROM public.items");
  std::this_thread::sleep_for(milliseconds(200));
  Ground ground(db);
  ground.leap.blocked = [](int, const std::vector<std::string>&) { set_stop_signal(SIGTERM); };
  CHECK(test::code_of([&] { ground.run(); }) == errors::kTerminated.code);
  set_stop_signal(0);
}

TEST_CASE("locks that do not conflict are not in the way") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 1);
  test::Client reader = db.connect();
  reader.exec("BEGIN; SELECT 1 FROM public.items");
  const auto session = Ground::connect(db);
  CHECK(find_holders(*session, {test::lock_on("items", pg::LockMode::kShareRowExclusive)}).empty());
  CHECK(find_holders(*session, {test::lock_on("items", pg::LockMode::kAccessExclusive)}).size() == 1);
  CHECK(find_holders(*session, {test::lock_on("no_such_table", pg::LockMode::kAccessExclusive)}).empty());
}

TEST_CASE("a display name becomes a name for SQL") {
  CHECK(sql_name("users") == "public.users");
  CHECK(sql_name("shop.users") == "shop.users");
  CHECK(sql_name("\"a.b\"") == "public.\"a.b\"");
}

TEST_CASE("pauses are jittered below a ceiling that doubles up to its cap") {
  std::minstd_rand random(1);
  BackOff back_off(random, milliseconds(100), milliseconds(400));
  milliseconds ceiling(100);
  bool varied = false;
  for (int i = 0; i < 50; ++i) {
    const milliseconds pause = back_off.next();
    CHECK(pause >= milliseconds(0));
    CHECK(pause <= ceiling);
    varied = varied || pause > milliseconds(100);
    ceiling = std::min(milliseconds(400), ceiling * 2);
  }
  CHECK(varied);
}

TEST_SUITE_END();

}  // namespace falsework
