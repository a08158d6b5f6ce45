#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <functional>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "executor/opening.h"
#include "executor/runners/runner.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

using namespace falsework;
using std::chrono::milliseconds;

namespace {

// A real session, and what comes between it and who uses it.
class Disturbed final : public pg::Session {
 public:
  using Rule = std::function<void(const std::string& sql, const std::function<void()>& run)>;
  Disturbed(std::unique_ptr<pg::Session> session, Rule rule) : session_(std::move(session)), rule_(std::move(rule)) {}

  pg::Rows query(std::string_view sql, const std::vector<pg::Value>& parameters) override {
    pg::Rows rows;
    rule_(std::string(sql), [&] { rows = session_->query(sql, parameters); });
    return rows;
  }
  pg::Rows query_prepared(const std::string& sql, const std::vector<pg::Value>& parameters) override {
    return session_->query_prepared(sql, parameters);
  }
  void begin() override { session_->begin(); }
  void commit() override { session_->commit(); }
  void rollback() noexcept override { session_->rollback(); }
  bool in_transaction() const noexcept override { return session_->in_transaction(); }
  void cancel() noexcept override { session_->cancel(); }
  int backend_pid() const override { return session_->backend_pid(); }
  int server_version() const override { return session_->server_version(); }
  bool is_open() const noexcept override { return session_->is_open(); }

 private:
  std::unique_ptr<pg::Session> session_;
  Rule rule_;
};

// A run that is held, whose session `rule` disturbs.
std::unique_ptr<RunContext> hold(test::Site& site, const Plan& plan, Disturbed::Rule rule) {
  auto context = open_for_plan(plan, render_plan(plan), *site.ledger, site.clock, site.observer, site.options());
  ensure_fenced(*context);
  context->session = std::make_unique<Disturbed>(std::move(context->session), std::move(rule));
  return context;
}

bool begins(const std::string& sql, const std::string& head) { return sql.rfind(head, 0) == 0; }

// What is thrown where a build ends, instead of the server's refusal.
void instead_of_refusal(const std::string& sql, const std::function<void()>& run) {
  try {
    run();
  } catch (const pg::SqlError&) {
    if (begins(sql, "CREATE")) throw std::bad_alloc();
    throw;
  }
}

bool is_dropping(const test::TestDatabase& db) {
  return db.connect_as_superuser().value(
             "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DROP INDEX CONCURRENTLY%' AND state = 'active' "
             "AND wait_event_type = 'Lock'") != "0";
}

}  // namespace

TEST_SUITE_BEGIN("executor/runners/build");

TEST_CASE("whatever ends a build, also what nobody expects, what it left is removed") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  db.exec("UPDATE public.items SET a = 7");
  test::Site site(db);
  const Plan built = test::index_plan(site, true);
  const auto context = hold(site, built, instead_of_refusal);
  CHECK_THROWS_AS(run_concurrent(*context, built.steps.front()), std::bad_alloc);
  CHECK(test::index_state(db) == "none");
}

TEST_CASE("whatever ends a build, what cannot be removed is named") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  db.exec("UPDATE public.items SET a = 7");
  test::Site site(db);
  const Plan built = test::index_plan(site, true);
  const auto context = hold(site, built, [](const std::string& sql, const std::function<void()>& run) {
    if (begins(sql, "DROP")) throw std::bad_alloc();
    instead_of_refusal(sql, run);
  });
  CHECK_THROWS_AS(run_concurrent(*context, built.steps.front()), std::bad_alloc);
  CHECK(test::index_state(db) == "invalid");
  REQUIRE_FALSE(site.observer.blockers.empty());
  CHECK(site.observer.blockers.back().find("DROP INDEX CONCURRENTLY") != std::string::npos);
}

TEST_CASE("a build goes on when how far it is cannot be told") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const auto engagement = site.start(test::index_plan(site));
  test::Client writer = db.connect();
  writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
  int told = 0;
  site.observer.when_built = [&] {
    if (++told == 2) writer.exec("COMMIT");
    throw std::logic_error("invalid UTF-8 byte");
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(told >= 2);
  CHECK(test::index_state(db) == "valid");
}

TEST_CASE("an error that nobody expects fails the step with a word in the ledger, and the run goes on afterwards") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement = site.start(test::items_plan(site));
  test::Client client = db.connect();
  client.exec("BEGIN; LOCK TABLE public.items");
  site.observer.when_blocked = [] { throw std::logic_error("no more room"); };
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kInternal.code);
  CHECK(std::string(error.what()) == "step items/expand/column: no more room");
  CHECK(site.history(engagement->run()).back() == "step_failed items/expand/column");
  site.observer.when_blocked = nullptr;
  client.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
}

TEST_CASE("a cancel request that comes when the build is over hits nothing that follows it") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  test::Site site(db);
  const Plan built = test::index_plan(site);
  const std::string probe = built.steps.front().probe->query;
  bool over = false;
  std::set<std::string> hit;
  const auto context = hold(site, built, [&](const std::string& sql, const std::function<void()>& run) {
    const bool follows = sql == probe || sql.find("_setting($1)") != std::string::npos ||
                         sql.find("set_config($1, $2, false)") != std::string::npos;
    if (over && follows && hit.insert(sql).second) {
      throw pg::SqlError("57014", "canceling statement due to user request");
    }
    run();
    over = over || begins(sql, "CREATE");
  });
  const auto lock_timeout = [&] { return context->session->query("SHOW lock_timeout").text(0, 0); };
  const std::string before = lock_timeout();
  run_concurrent(*context, built.steps.front());
  CHECK(hit.size() == 3);
  CHECK(test::index_state(db) == "valid");
  CHECK(lock_timeout() == before);
}

TEST_CASE("a statement that is cancelled again and again is not asked for ever") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const Plan built = test::index_plan(site);
  const std::string probe = built.steps.front().probe->query;
  int asked = 0;
  const auto context = hold(site, built, [&](const std::string& sql, const std::function<void()>& run) {
    if (sql == probe && ++asked > 0) throw pg::SqlError("57014", "canceling statement due to user request");
    run();
  });
  CHECK_THROWS_AS(run_concurrent(*context, built.steps.front()), pg::SqlError);
  CHECK(asked == 4);
  CHECK(test::index_state(db) == "none");
}

TEST_CASE("a stop, or the limit of time, in the middle of an undo names what remains, and the rollback goes on") {
  for (const bool limited : {false, true}) {
    CAPTURE(limited);
    const test::TestDatabase db(test::Server::any());
    test::create_items(db, 100);
    test::Site site(db);
    ExecutorOptions options = site.options();
    if (limited) options.build_timeout = milliseconds(1500);
    const Plan built = test::index_plan(site);
    const auto engagement =
        Engagement::start(built, render_plan(built), *site.ledger, site.clock, site.observer, options);
    REQUIRE(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    test::Client writer = db.connect();
    writer.exec("BEGIN; UPDATE public.items SET a = a WHERE id = 1");
    std::jthread stopper([&] {
      CHECK(test::wait_until([&] { return is_dropping(db); }));
      if (!limited) set_stop_signal(SIGTERM);
    });
    const std::string code = test::code_of([&] { engagement->rollback(RollbackRequest{}); });
    stopper.join();
    set_stop_signal(0);
    CHECK(code == (limited ? errors::kBuildTimeout.code : errors::kTerminated.code));
    CHECK(test::index_state(db) != "none");
    REQUIRE_FALSE(site.observer.blockers.empty());
    CHECK(site.observer.blockers.back().find("what is left of it stands") != std::string::npos);
    CHECK(site.observer.blockers.back().find("items_a_idx") != std::string::npos);
    writer.exec("COMMIT");
    CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
    CHECK(test::index_state(db) == "none");
  }
}

TEST_SUITE_END();
