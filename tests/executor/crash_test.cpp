// kill -9 at every point that an engine passes, then resume, or go back.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>

#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "executor/adopt.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {

namespace {

constexpr int kKilled = 128 + 9;
constexpr const char* kChild = "the engine that a crash test runs as its child";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// What one child process does: take the plan up and go on, or back.
struct Engine {
  const test::TestDatabase& database;
  const std::filesystem::path ledger;
  const std::filesystem::path plan;

  test::ProcessResult run(const std::string& what, std::map<std::string, std::string> more = {}) const {
    return begin(what, std::move(more))->wait();
  }

  std::unique_ptr<test::Process> begin(const std::string& what, std::map<std::string, std::string> more) const {
    test::ProcessOptions options;
    options.environment = std::move(more);
    options.environment["CRASH_TEST_URL"] = database.url();
    options.environment["CRASH_TEST_LEDGER"] = ledger;
    options.environment["CRASH_TEST_PLAN"] = plan;
    options.environment["CRASH_TEST_DO"] = what;
    const std::string self = std::filesystem::read_symlink("/proc/self/exe");
    return std::make_unique<test::Process>(
        std::vector<std::string>{self, "--no-skip", fmt::format("--test-case={}", kChild)}, options);
  }

  test::ProcessResult run_until(const std::string& what, const std::string& point) const {
    return run(what, {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", point + "=kill"}});
  }
};

AdvanceRequest request_for(const std::string& what) {
  if (what == "end") return test::to_the_end();
  AdvanceRequest request;  // up to the gate of contract
  request.releases = {"2026.12"};
  return request;
}

// The first and the last time that each point is passed, in the form name@n.
std::vector<std::string> points_of(const std::filesystem::path& trace) {
  std::ifstream lines(trace);
  std::map<std::string, int> passed;
  for (std::string line; std::getline(lines, line);) ++passed[line];
  std::vector<std::string> points;
  for (const auto& [name, count] : passed) {
    points.push_back(fmt::format("{}@1", name));
    if (count > 1) points.push_back(fmt::format("{}@{}", name, count));
  }
  return points;
}

// A fresh copy of the ground for each crash.
class Ground {
 public:
  Ground() : template_(test::Server::any()) {
    test::create_items(template_, 600);
    test::Site site(template_);
    write_file(directory_.path() / "plan.json", render_plan(test::items_plan(site)));
  }

  const test::TestDatabase& original() const { return template_; }

  template <typename Work>
  void on_a_copy(Work work) {
    const test::TestDatabase database = template_.clone();
    const std::filesystem::path ledger = directory_.path() / fmt::format("state{}.db", ++copies_);
    work(database, Engine{database, ledger, directory_.path() / "plan.json"});
    if (std::filesystem::exists(ledger)) CHECK(Ledger::open(ledger, false)->verify_chain().empty());
  }

  std::filesystem::path trace() const { return directory_.path() / "trace"; }

 private:
  const test::TestDatabase template_;
  const test::TemporaryDirectory directory_;
  int copies_ = 0;
};

std::vector<std::string> trace(Ground& ground, const std::vector<std::string>& before, const std::string& what,
                               std::string& end_state) {
  std::filesystem::remove(ground.trace());
  ground.on_a_copy([&](const test::TestDatabase& database, const Engine& engine) {
    for (const std::string& step : before) REQUIRE(engine.run(step).status == 0);
    const auto result = engine.run(what, {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL_TRACE", ground.trace()}});
    CAPTURE(result.out);
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    end_state = test::items_state(database);
  });
  const auto points = points_of(ground.trace());
  REQUIRE_FALSE(points.empty());
  return points;
}

void crash_and_go_on(Ground& ground, const std::vector<std::string>& before, const std::string& what,
                     const std::string& then) {
  std::string clean;
  const auto points = trace(ground, before, what, clean);
  std::string expected = clean;
  if (then == "back") expected = test::items_state(ground.original());
  for (const std::string& point : points) {
    CAPTURE(point);
    ground.on_a_copy([&](const test::TestDatabase& database, const Engine& engine) {
      for (const std::string& step : before) REQUIRE(engine.run(step).status == 0);
      REQUIRE(engine.run_until(what, point).status == kKilled);
      const auto resumed = engine.run(then);
      CAPTURE(resumed.out);
      CAPTURE(resumed.err);
      CHECK(resumed.status == 0);
      CHECK(test::items_state(database) == expected);
    });
  }
}

void go_on_to(const std::string& end, const test::TestDatabase& database, const Engine& engine) {
  const auto forward = engine.run("end");
  CAPTURE(forward.out);
  CAPTURE(forward.err);
  CHECK(forward.status == 0);
  CHECK(test::items_state(database) == end);
}

// On a new machine, with an empty directory. A run that never came into the journal has nothing to adopt.
void adopt_everything(const test::TestDatabase& database, const std::filesystem::path& path) {
  ExecutorOptions options;
  options.connection.conninfo = database.url();
  options.connection.application_name = "falsework";
  options.actor = "another@there";
  if (database.connect().value("SELECT to_regclass('falsework.run') IS NULL") == "t") return;
  const auto ledger = Ledger::open(path, true);
  SystemClock clock;
  test::RecordingObserver observer;
  for (const JournaledRun& run : find_journaled(options.connection, ledger.get())) {
    CHECK(adopt_run(run.entry.run, "lost", *ledger, clock, observer, options));
  }
}

}  // namespace

TEST_SUITE_BEGIN("executor/crash");

TEST_CASE("the engine that a crash test runs as its child" * doctest::skip()) {
  const std::string what = environment("CRASH_TEST_DO");
  if (what.empty()) return;
  install_stop_signals();
  const std::filesystem::path path = environment("CRASH_TEST_PLAN");
  const std::string text = read_file(path);
  const Plan plan = parse_plan(text, path);
  const auto ledger = Ledger::open(environment("CRASH_TEST_LEDGER"), true);
  SystemClock clock;
  test::RecordingObserver observer;
  ExecutorOptions options;
  options.connection.conninfo = environment("CRASH_TEST_URL");
  options.connection.application_name = "falsework";
  options.actor = "tester@here";
  const auto engagement = Engagement::start(plan, text, *ledger, clock, observer, options);
  if (what == "back") {
    CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  } else {
    engagement->advance(request_for(what));
    if (what == "end") CHECK(engagement->state().state == RunPhaseState::kDone);
  }
}

TEST_CASE("a build that outlives its killed engine is ended before the next engine looks") {
  Ground ground;
  ground.on_a_copy([&](const test::TestDatabase& database, const Engine& engine) {
    const auto build =
        engine.begin("end", {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", "concurrent.act=sleep:3000"}});
    test::Client writer = database.connect();
    REQUIRE(test::wait_until(
        [&] {
          return writer.value("SELECT count(*) FROM pg_class WHERE relname = 'journal'") == "1" &&
                 writer.value("SELECT count(*) FROM falsework.journal WHERE step = 'items/validate/index'") == "1";
        },
        std::chrono::seconds(60)));
    writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
    const auto builders = [&] {
      return database.connect_as_superuser().value("SELECT coalesce(max(pid), 0) FROM pg_stat_progress_create_index");
    };
    REQUIRE(test::wait_until([&] { return builders() != "0"; }, std::chrono::seconds(60)));
    const std::string zombie = builders();
    build->signal(9);
    REQUIRE(build->wait().status == kKilled);
    // The writer stays: only an engine that ends the old build, and does not wait for it, gets to remove its remains.
    const auto next = engine.begin("end", {});
    test::Client watcher = database.connect_as_superuser();
    CHECK(test::wait_until(
        [&] {
          return watcher.value(
                     "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DROP INDEX%'") ==
                 "1";
        },
        std::chrono::seconds(60)));
    CHECK(watcher.value("SELECT count(*) FROM pg_stat_activity WHERE pid = " + zombie) == "0");
    writer.exec("COMMIT");
    CHECK(next->wait().status == 0);
    CHECK(test::items_state(database).find("items_b_idx t t") != std::string::npos);
  });
}

TEST_CASE("an engine that is killed at any point goes on to the same end") {
  Ground ground;
  crash_and_go_on(ground, {}, "end", "end");
}

TEST_CASE("an engine that is killed at any point before the contract goes back to where it began") {
  Ground ground;
  crash_and_go_on(ground, {}, "gate", "back");
}

TEST_CASE("an engine that is killed at any point of a rollback finishes the rollback") {
  Ground ground;
  crash_and_go_on(ground, {"gate"}, "back", "back");
}

TEST_CASE("an engine that is killed at any point of a rollback can go forward again") {
  Ground ground;
  std::string clean;
  std::vector<std::string> points = trace(ground, {"gate"}, "back", clean);
  std::string end;
  trace(ground, {"gate"}, "end", end);
  for (const std::string& point : points) {
    CAPTURE(point);
    ground.on_a_copy([&](const test::TestDatabase& database, const Engine& engine) {
      REQUIRE(engine.run("gate").status == 0);
      REQUIRE(engine.run_until("back", point).status == kKilled);
      go_on_to(end, database, engine);
    });
  }
}

TEST_CASE("an engine that is killed at any point while it takes back a run that has done nothing begins it anew") {
  Ground ground;
  std::string nothing, end;
  const std::vector<std::string> points = trace(ground, {}, "back", nothing);
  trace(ground, {}, "end", end);
  CHECK(std::count(points.begin(), points.end(), "run.finished@1") == 1);
  for (const std::string& point : points) {
    CAPTURE(point);
    ground.on_a_copy([&](const test::TestDatabase& database, const Engine& engine) {
      REQUIRE(engine.run_until("back", point).status == kKilled);
      go_on_to(end, database, engine);
      const auto ledger = Ledger::open(engine.ledger, false);
      for (const RunRecord& run : ledger->runs()) {
        const RunPhaseState state = fold(parse_plan(run.plan_text, run.run), ledger->events(run.run)).state;
        CHECK((state == RunPhaseState::kDone || state == RunPhaseState::kRolledBack));
      }
    });
  }
}

TEST_CASE("an engine that is killed at any point, with its ledger lost, is followed by one that adopts the run") {
  Ground ground;
  struct Case {
    std::vector<std::string> before;
    std::string what, then;
  };
  int offset = 0;
  for (const Case& c : {Case{{}, "end", "end"}, Case{{}, "gate", "back"}, Case{{"gate"}, "back", "back"}}) {
    CAPTURE(c.what);
    CAPTURE(c.then);
    std::string clean;
    const auto points = trace(ground, c.before, c.what, clean);
    const std::string expected = c.then == "back" ? test::items_state(ground.original()) : clean;
    // Those in between are tried with the ledger in place, above.
    for (std::size_t i = static_cast<std::size_t>(offset++); i < points.size(); i += 8) {
      CAPTURE(points[i]);
      ground.on_a_copy([&](const test::TestDatabase& database, const Engine& engine) {
        for (const std::string& step : c.before) REQUIRE(engine.run(step).status == 0);
        REQUIRE(engine.run_until(c.what, points[i]).status == kKilled);
        std::filesystem::remove(engine.ledger);
        adopt_everything(database, engine.ledger);
        const auto resumed = engine.run(c.then);
        CAPTURE(resumed.out);
        CAPTURE(resumed.err);
        CHECK(resumed.status == 0);
        CHECK(test::items_state(database) == expected);
      });
    }
  }
}

TEST_SUITE_END();

}  // namespace falsework
