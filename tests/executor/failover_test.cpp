// The primary is lost, and a standby takes over: with all that the run did, or without its last steps.
#include <doctest/doctest.h>
#include "base/error_kinds.h"
#include "tests/executor/site.h"
#include "tests/executor/standby.h"

namespace falsework {

namespace {

std::unique_ptr<Engagement> take_up(test::Site& site, const std::string& run, const std::string& url) {
  ExecutorOptions options = site.options();
  options.connection.conninfo = url;
  return Engagement::take_up(*site.ledger->find_run(run), *site.ledger, site.clock, site.observer, options);
}

}  // namespace

TEST_SUITE_BEGIN("executor/failover");

TEST_CASE("a run goes on at the standby that took over, from where it stood") {
  const test::TestDatabase db(test::Server::any());
  if (!test::Standby::possible(db.server())) return;
  test::create_items(db, 200);
  test::Site site(db);
  test::Standby standby(db);
  std::string run;
  {
    const auto engagement = site.start(test::items_plan(site));
    run = engagement->run();
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  }
  CHECK(test::code_of([&] { take_up(site, run, standby.url()); }) == errors::kDatabaseForeign.code);
  standby.catch_up();
  standby.lose_primary();
  standby.promote();
  site.observer.lines.clear();
  const auto engagement = take_up(site, run, standby.url());
  AdvanceRequest request = test::to_the_end();
  request.target.kind = Target::Kind::kEnd;
  request.open_advance_gates = request.confirmed = true;
  CHECK(engagement->advance(request) == Outcome::kDone);
  CHECK_FALSE(site.observer.saw("start items/backfill/copy"));
  test::Client client(standby.url());
  CHECK(client.value("SELECT count(*) FROM public.items WHERE b = id * 2") == "200");
  CHECK(client.sqlstate_of("SELECT a FROM public.items") == "42703");
}

TEST_CASE("a standby that took over without the last steps is refused, and they are named") {
  const test::TestDatabase db(test::Server::any());
  if (!test::Standby::possible(db.server())) return;
  test::create_items(db, 200);
  test::Site site(db);
  test::Standby standby(db);
  std::string run;
  {
    const auto engagement = site.start(test::items_plan(site));
    run = engagement->run();
    AdvanceRequest copied;
    copied.target = {Target::Kind::kStep, Phase::kBackfill, "items/backfill/copy"};
    CHECK(engagement->advance(copied) == Outcome::kTargetReached);
    standby.catch_up();
    standby.stop();
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  }
  standby.lose_primary();
  standby.start();
  standby.promote();
  const Error error = test::error_of([&] { take_up(site, run, standby.url()); });
  CHECK(error.code() == errors::kLedgerForeign.code);
  CHECK(std::string(error.what()).find("items/validate/index") != std::string::npos);
  CHECK(std::string(error.what()).find("items/backfill/copy") == std::string::npos);
  CHECK(test::Client(standby.url()).value("SELECT count(*) FROM pg_class WHERE relname = 'items_b_idx'") == "0");
}

TEST_SUITE_END();

}  // namespace falsework
