#include <doctest/doctest.h>
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "state/postgres/copy_journal.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {
using std::chrono::milliseconds;

TEST_SUITE_BEGIN("executor/runners/backfill_runner");

TEST_CASE("every row is copied once, in batches, and most updates stay in their page") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 20000);
    test::Site site(db);
    const auto engagement = site.start(test::copy_plan(site));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(test::uncopied(db) == "0");
    CHECK(engagement->state().steps.at("items/backfill/copy").rows == 20000);
    REQUIRE_FALSE(site.observer.progress.empty());
    const Progress& last = site.observer.progress.back();
    CHECK(last.rows == 20000);
    CHECK(last.blocks == last.total_blocks);
    CHECK(last.eta_s == 0);
    CHECK(db.connect().value("SELECT cursor ->> 'rows' FROM falsework.journal WHERE step LIKE '%copy'") == "20000");
  }
}

TEST_CASE("an empty table is done at once") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 0);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(engagement->state().steps.at("items/backfill/copy").rows == 0);
}

TEST_CASE("where nothing is left to copy a block is looked at twice, and a row that is left all the same is copied") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
  // Every row that the first stripe does not visit, and thousands that it does, are done.
  db.connect().exec("SET falsework.copy = 'x'; UPDATE public.items SET b = a");
  db.connect().exec(
      "SET falsework.copy = 'x'; UPDATE public.items SET b = NULL WHERE ctid = (SELECT max(ctid) FROM public.items "
      "WHERE (hashtid(ctid) & 2147483647) % 16 <> 0)");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::uncopied(db) == "0");
  // Of 177 blocks in ranges of 64: three batches of one stripe instead of 48 of sixteen, and the one of the row.
  CHECK(site.observer.progress.size() < 20);
}

TEST_CASE("the copy does not run the dual-write trigger, and writers meanwhile do") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
  db.exec(
      "CREATE OR REPLACE FUNCTION public.items_b() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN RAISE EXCEPTION ''fired''; END'");
  CHECK(db.connect().sqlstate_of("UPDATE public.items SET a = 1 WHERE id = 1") == "P0001");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::uncopied(db) == "0");
}

TEST_CASE("a stop between batches keeps what is done, and the next start goes on at the cursor") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  site.observer.when_copied = [&] {
    if (site.observer.progress.size() == 5) set_stop_signal(SIGINT);
  };
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kInterrupted.code);
  set_stop_signal(0);
  site.observer.when_copied = nullptr;
  const std::int64_t before = site.observer.progress.back().rows;
  CHECK(before > 0);
  CHECK(before < 20000);
  CHECK(engagement->state().state == RunPhaseState::kPaused);
  site.observer.progress.clear();
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::uncopied(db) == "0");
  CHECK(site.observer.progress.front().rows > before);
  CHECK(engagement->state().steps.at("items/backfill/copy").rows == 20000);
}

TEST_CASE("rows that a writer holds locked come back at the end, and the writer is never disturbed") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
  test::Client writer = db.connect();
  writer.exec("BEGIN; SELECT 1 FROM public.items WHERE id IN (5, 1500) FOR UPDATE");
  std::atomic<bool> saw_wait = false;
  site.observer.when_copied = [&] {
    if (!site.observer.progress.back().throttled_by.empty()) saw_wait = true;
  };
  std::jthread release([&] {
    CHECK(test::wait_until([&] { return saw_wait.load(); }, std::chrono::seconds(60)));
    CHECK(writer.sqlstate_of("UPDATE public.items SET a = -1 WHERE id = 5") == "");
    writer.exec("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  release.join();
  CHECK(test::uncopied(db) == "0");
  CHECK(db.connect().value("SELECT b FROM public.items WHERE id = 5") == "-1");
}

TEST_CASE("statements of the copy that are cancelled, whichever they are, are made again and do not fail the step") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
  test::Client writer = db.connect();
  writer.exec("BEGIN; SELECT 1 FROM public.items WHERE id IN (5, 1500) FOR UPDATE");
  std::atomic<bool> copying = false;
  site.observer.when_copied = [&] { copying = true; };
  std::jthread storm([&] {
    CHECK(test::wait_until([&] { return copying.load(); }, std::chrono::seconds(60)));
    test::Client superuser = db.connect_as_superuser();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (std::chrono::steady_clock::now() < end) {
      superuser.exec("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'falsework/copy'");
    }
    writer.exec("COMMIT");
  });
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  storm.join();
  CHECK(test::uncopied(db) == "0");
}

TEST_CASE("rows that stay locked past the budget pause the run, with all that is copied kept") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  Plan short_budget = test::copy_plan(site);
  short_budget.steps[1].timeouts.budget = milliseconds(1500);
  stamp(short_budget);
  const auto engagement = site.start(short_budget);
  engagement->advance(test::one_step("items/expand/column"));
  test::Client writer = db.connect();
  writer.exec("BEGIN; SELECT 1 FROM public.items WHERE id = 5 FOR UPDATE");
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kLockBudget.code);
  CHECK(std::string(error.what()).find(fmt::format("pid {}", writer.pid())) != std::string::npos);
  // Its neighbours in the block are passed to, row by row.
  CHECK(test::uncopied(db) == "1");
  writer.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::uncopied(db) == "0");
}

TEST_CASE("a table that is rewritten under the copy is begun anew") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  bool rewritten = false;
  site.observer.when_copied = [&] {
    if (rewritten || site.observer.progress.size() < 10) return;
    rewritten = true;
    db.exec("DELETE FROM public.items WHERE id % 3 = 0");
    db.exec("VACUUM FULL public.items");
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(rewritten);
  CHECK(test::uncopied(db) == "0");
  CHECK(db.connect().value("SELECT cursor ->> 'rewrites' FROM falsework.journal WHERE step LIKE '%copy'") == "1");
}

TEST_CASE("rows that are updated, moved, deleted or written back while the copy runs are in agreement at its end") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  // Its snapshot is older than the trigger; it writes once the trigger is there, and fires it.
  test::Client old_snapshot = db.connect();
  old_snapshot.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
  engagement->advance(test::one_step("items/expand/column"));
  old_snapshot.exec("UPDATE public.items SET a = -1 WHERE id = 100");
  test::Client writer = db.connect();
  test::Client aborted = db.connect();
  std::string moved_from;
  site.observer.when_copied = [&] {
    const std::size_t batch = site.observer.progress.size();
    if (batch == 2) {
      // Groups are 89 blocks here: none of these was visited by more than two stripes.
      aborted.exec("BEGIN; UPDATE public.items SET a = -2 WHERE id BETWEEN 19000 AND 19100");
      writer.exec("DELETE FROM public.items WHERE id BETWEEN 8000 AND 11000");
      moved_from = writer.value("SELECT ctid::text FROM public.items WHERE id = 19990");
      writer.exec("UPDATE public.items SET a = -3 WHERE id = 19990");
      writer.exec("BEGIN; UPDATE public.items SET a = -4 WHERE id BETWEEN 15000 AND 15010");
    }
    if (batch == 12) {
      aborted.exec("ROLLBACK");
      writer.exec("COMMIT");
      old_snapshot.exec("COMMIT");
    }
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  test::Client client = db.connect();
  CHECK(test::uncopied(db) == "0");
  CHECK(client.value("SELECT b FROM public.items WHERE id = 100") == "-1");
  CHECK(client.value("SELECT count(*) FROM public.items WHERE id BETWEEN 19000 AND 19100 AND b = id * 2") == "101");
  CHECK(client.value("SELECT count(*) FROM public.items") == "16999");
  CHECK(client.value("SELECT b FROM public.items WHERE id = 19990") == "-3");
  CHECK(client.value("SELECT ctid::text FROM public.items WHERE id = 19990") != moved_from);
  CHECK(client.value("SELECT count(*) FROM public.items WHERE id BETWEEN 15000 AND 15010 AND b = -4") == "11");
}

TEST_CASE("several workers copy every row once, and the number of them changes while they run") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 200000);
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
  const auto control = site.session();
  CopyJournal(*control, engagement->run()).set_limits({3, 0, {}, {}}, std::nullopt, "tester");
  int most = 0;
  bool changed = false;
  site.observer.when_copied = [&] {
    most = std::max(most, site.observer.progress.back().workers);
    if (most < 2 || changed) return;
    changed = true;
    CopyJournal(*control, engagement->run()).set_limits({1, {}, {}, {}}, std::nullopt, "tester");
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::uncopied(db) == "0");
  CHECK(changed);
  CHECK(engagement->state().steps.at("items/backfill/copy").rows == 200000);
  CHECK(db.connect().value("SELECT count(*) FROM falsework.copy_slot") == "0");
}

TEST_CASE("a row whose value cannot be converted fails the step without its value, and the rest stays copied") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  Plan dividing = test::copy_plan(site);
  dividing.steps[1].copy->statement.replace(dividing.steps[1].copy->statement.find("b = a"), 5,
                                            "b = a / (id - 1999) * 0 + a");
  stamp(dividing);
  const auto engagement = site.start(dividing);
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kStepFailed.code);
  CHECK(std::string(error.what()).find("22012") != std::string::npos);
  db.exec("DELETE FROM public.items WHERE id = 1999");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
}

TEST_CASE("row security that would hide rows from the copy is refused before any is copied") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 100);
  db.exec(
      "ALTER TABLE public.items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; "
      "CREATE POLICY half ON public.items USING (id < 50)");
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kRowSecurity.code);
  db.exec("ALTER TABLE public.items NO FORCE ROW LEVEL SECURITY");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(test::uncopied(db) == "0");
}

TEST_CASE("a copy that another trigger undoes does not run for ever") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 10);
  test::Site site(db);
  const auto engagement = site.start(test::plan_of(
      {test::statement("items/expand/column",
                       {"ALTER TABLE public.items ADD COLUMN b bigint",
                        "CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.b := NULL; "
                        "RETURN NEW; END'",
                        "CREATE TRIGGER spoil BEFORE UPDATE ON public.items FOR EACH ROW EXECUTE FUNCTION "
                        "public.spoil()"},
                       {"DROP TRIGGER spoil ON public.items", "DROP FUNCTION public.spoil()",
                        "ALTER TABLE public.items DROP COLUMN b"}),
       test::items_copy()}));
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kStepFailed.code);
  CHECK(std::string(error.what()).find("stay as they are") != std::string::npos);
  CHECK(engagement->rollback(RollbackRequest{}) == Outcome::kRolledBack);
}

TEST_CASE("an undone copy begins at block 0 in its new generation") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  Plan gated = test::copy_plan(site);
  gated.steps.push_back(test::gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"}));
  stamp(gated);
  const auto engagement = site.start(gated);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  CHECK(engagement->rollback(RollbackRequest{{}, "items/backfill/copy"}) == Outcome::kTargetReached);
  CHECK(db.connect().value("SELECT concat(state, generation, cursor) FROM falsework.journal WHERE step LIKE '%copy'") ==
        "undone2");
  db.connect().exec("SET falsework.copy = 'x'; UPDATE public.items SET b = NULL");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  CHECK(test::uncopied(db) == "0");
}

TEST_SUITE_END();

}  // namespace falsework
