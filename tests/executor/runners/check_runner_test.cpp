#include <doctest/doctest.h>

#include "base/error_kinds.h"
#include "tests/executor/site.h"

namespace falsework {

namespace {

constexpr const char* kQuery = "SELECT count(*), string_agg(id::text, ', ' ORDER BY id) FROM public.items WHERE a < 0";

}  // namespace

TEST_SUITE_BEGIN("executor/runners/check_runner");

TEST_CASE("a check that finds nothing is done; one that finds rows says how many and which, and can be tried again") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement = site.start(test::plan_of({test::count_check("items/expand/check", kQuery, false)}));
  db.exec("UPDATE public.items SET a = -1 WHERE id IN (3, 4)");
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kCheckFailed.code);
  CHECK(std::string(error.what()) == "2 rows are wrong: 3, 4");
  CHECK(error.hint() == "Correct them.");
  db.exec("UPDATE public.items SET a = 1");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
}

TEST_CASE("a check by ranges sees rows in every block, the last ones included") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  Step step = test::count_check("items/expand/check",
                                "SELECT count(*), string_agg(id::text, ', ' ORDER BY id) FROM ONLY public.items WHERE "
                                "ctid >= $1::tid AND ctid < $2::tid AND a < 0",
                                false);
  step.check->by_ranges = true;
  step.check->relation = "public.items";
  const auto engagement = site.start(test::plan_of({step}));
  db.exec(
      "ALTER TABLE public.items SET (autovacuum_enabled = off); UPDATE public.items SET a = -1 WHERE id IN (1, 20000)");
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(std::string(error.what()) == "2 rows are wrong: 1, 20000");
}

TEST_CASE("a failed proof is kept: no advance goes past it, in this process or another, until a person clears it") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const Plan plan = test::plan_of({test::count_check("items/validate/proof", kQuery, true),
                                   test::statement("items/switch/swap", {"SELECT 1"}, {"SELECT 1"})});
  auto engagement = site.start(plan);
  const std::string run = engagement->run();
  db.exec("UPDATE public.items SET a = -1 WHERE id = 3");
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kProofFailed.code);
  CHECK(engagement->state().steps.at("items/validate/proof").proof_failed);
  db.exec("UPDATE public.items SET a = 1");
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kProofFailed.code);
  engagement.reset();
  engagement = site.start(plan);
  CHECK(engagement->run() == run);
  CHECK(test::code_of([&] { engagement->advance(test::to_the_end()); }) == errors::kProofFailed.code);
  CHECK_FALSE(site.observer.saw("start items/switch/swap"));

  SUBCASE("cleared, it is asked again") {
    engagement->clear_proof("items/validate/proof", "a test row");
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  }
  SUBCASE("cleared, it can fail again") {
    engagement->clear_proof("items/validate/proof", "a test row");
    db.exec("UPDATE public.items SET a = -1 WHERE id = 3");
    CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kProofFailed.code);
  }
  SUBCASE("rolled back, nothing is left of it") {
    CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
  }
}

TEST_SUITE_END();

}  // namespace falsework
