#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <optional>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "state/postgres/copy_journal.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

using namespace falsework;
using std::chrono::milliseconds;

namespace {

Plan plan(const test::Site& site) {
  Plan whole = test::items_plan(site);
  whole.steps.resize(3);
  stamp(whole);
  return whole;
}

std::string uncopied(const test::TestDatabase& db) {
  return db.connect().value("SELECT count(*) FROM public.items WHERE b IS DISTINCT FROM a");
}

AdvanceRequest one_step(const std::string& id) {
  AdvanceRequest request;
  request.target = Target{Target::Kind::kStep, Phase::kContract, id};
  return request;
}

}  // namespace

TEST_SUITE_BEGIN("executor/runners/backfill_runner");

TEST_CASE("every row is copied once, in batches, and most updates stay in their page") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 20000);
    test::Site site(db);
    const auto engagement = site.start(plan(site));
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(uncopied(db) == "0");
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
  const auto engagement = site.start(plan(site));
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(engagement->state().steps.at("items/backfill/copy").rows == 0);
}

TEST_CASE("where nothing is left to copy a block is looked at twice, and a row that is left all the same is copied") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
  // Every row that the first stripe does not visit, and thousands that it does, are done.
  db.connect().exec("SET falsework.copy = 'x'; UPDATE public.items SET b = a");
  db.connect().exec(
      "SET falsework.copy = 'x'; UPDATE public.items SET b = NULL WHERE ctid = (SELECT max(ctid) FROM public.items "
      "WHERE (hashtid(ctid) & 2147483647) % 16 <> 0)");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(uncopied(db) == "0");
  // Of 177 blocks in ranges of 64: three batches of one stripe instead of 48 of sixteen, and the one of the row.
  CHECK(site.observer.progress.size() < 20);
}

TEST_CASE("the copy does not run the dual-write trigger, and writers meanwhile do") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
  db.exec(
      "CREATE OR REPLACE FUNCTION public.items_b() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN RAISE EXCEPTION ''fired''; END'");
  CHECK(db.connect().sqlstate_of("UPDATE public.items SET a = 1 WHERE id = 1") == "P0001");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(uncopied(db) == "0");
}

TEST_CASE("a stop between batches keeps what is done, and the next start goes on at the cursor") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
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
  CHECK(uncopied(db) == "0");
  CHECK(site.observer.progress.front().rows > before);
  CHECK(engagement->state().steps.at("items/backfill/copy").rows == 20000);
}

TEST_CASE("rows that a writer holds locked come back at the end, and the writer is never disturbed") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
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
  CHECK(uncopied(db) == "0");
  CHECK(db.connect().value("SELECT b FROM public.items WHERE id = 5") == "-1");
}

TEST_CASE("statements of the copy that are cancelled, whichever they are, are made again and do not fail the step") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
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
  CHECK(uncopied(db) == "0");
}

TEST_CASE("rows that stay locked past the budget pause the run, with all that is copied kept") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  Plan short_budget = plan(site);
  short_budget.steps[1].timeouts.budget = milliseconds(1500);
  stamp(short_budget);
  const auto engagement = site.start(short_budget);
  engagement->advance(one_step("items/expand/column"));
  test::Client writer = db.connect();
  writer.exec("BEGIN; SELECT 1 FROM public.items WHERE id = 5 FOR UPDATE");
  const Error error = test::error_of([&] { engagement->advance(AdvanceRequest{}); });
  CHECK(error.code() == errors::kLockBudget.code);
  CHECK(std::string(error.what()).find(fmt::format("pid {}", writer.pid())) != std::string::npos);
  // Its neighbours in the block are passed to, row by row.
  CHECK(uncopied(db) == "1");
  writer.exec("COMMIT");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(uncopied(db) == "0");
}

TEST_CASE("a table that is rewritten under the copy is begun anew") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  bool rewritten = false;
  site.observer.when_copied = [&] {
    if (rewritten || site.observer.progress.size() < 10) return;
    rewritten = true;
    db.exec("DELETE FROM public.items WHERE id % 3 = 0");
    db.exec("VACUUM FULL public.items");
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(rewritten);
  CHECK(uncopied(db) == "0");
  CHECK(db.connect().value("SELECT cursor ->> 'rewrites' FROM falsework.journal WHERE step LIKE '%copy'") == "1");
}

TEST_CASE("rows that are updated, moved, deleted or written back while the copy runs are in agreement at its end") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  // Its snapshot is older than the trigger; it writes once the trigger is there, and fires it.
  test::Client old_snapshot = db.connect();
  old_snapshot.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class");
  engagement->advance(one_step("items/expand/column"));
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
  CHECK(uncopied(db) == "0");
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
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
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
  CHECK(uncopied(db) == "0");
  CHECK(changed);
  CHECK(engagement->state().steps.at("items/backfill/copy").rows == 200000);
  CHECK(db.connect().value("SELECT count(*) FROM falsework.copy_slot") == "0");
}

TEST_CASE("a pause from elsewhere holds the copy at its next batch, and outlives the engine; resume lets it go on") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  std::string run;
  {
    const auto engagement = site.start(plan(site));
    run = engagement->run();
    engagement->advance(one_step("items/expand/column"));
    const auto control = site.session();
    std::int64_t at_pause = -1;
    site.observer.when_copied = [&] {
      if (site.observer.progress.size() == 3) {
        CHECK(CopyJournal(*control, run).set_paused(true, "ann@host"));
        CHECK_FALSE(CopyJournal(*control, run).set_paused(true, "ann@host"));
        at_pause = site.observer.progress.back().rows;
      }
      if (engagement->state().held_by_pause && site.observer.progress.size() > 6) set_stop_signal(SIGTERM);
    };
    CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kTerminated.code);
    set_stop_signal(0);
    // One batch may have been on its way.
    CHECK(site.observer.progress.back().rows - at_pause < 3000);
    CHECK(site.observer.progress.back().throttled_by.at(0).find("paused by ann@host since ") == 0);
  }
  const auto next = site.take_up(run);
  site.observer.progress.clear();
  site.observer.when_copied = [&] {
    if (next->state().state != RunPhaseState::kPaused) return;
    const auto control = site.session();
    CopyJournal(*control, run).set_paused(false, "bob@host");
  };
  CHECK(next->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(uncopied(db) == "0");
  const auto history = site.history(run);
  CHECK(std::count(history.begin(), history.end(), "run_paused items/backfill/copy") == 2);
  CHECK(std::count(history.begin(), history.end(), "run_resumed items/backfill/copy") == 1);
}

TEST_CASE("a condition of the user's holds the copy while it is true, and so does one that fails") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  db.exec("CREATE TABLE public.busy ()");
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
  const auto control = site.session();
  CopyLimits limits;
  limits.hold_while = "SELECT count(*) FROM public.busy";
  CopyJournal(*control, engagement->run()).set_limits(limits, std::nullopt, "tester");
  db.exec("INSERT INTO public.busy DEFAULT VALUES");
  int seen = 0;
  site.observer.when_copied = [&] {
    const Progress& progress = site.observer.progress.back();
    if (progress.throttled_by.empty()) return;
    CHECK(progress.rows == 0);
    const auto signal = std::find_if(progress.signals.begin(), progress.signals.end(),
                                     [](const SignalNumber& s) { return s.name == "condition"; });
    REQUIRE(signal != progress.signals.end());
    CHECK(signal->state == "holds");
    CHECK_FALSE(signal->since.empty());
    if (signal->detail.find("does not exist") == std::string::npos) {
      CHECK(progress.throttled_by.at(0).find("condition (SELECT count") == 0);
      if (seen++ == 0) db.exec("ALTER TABLE public.busy RENAME TO idle");
      return;
    }
    CHECK(progress.throttled_by.at(0).find("condition can no longer be read") == 0);
    limits.hold_while = "";
    CopyJournal(*control, engagement->run()).set_limits(limits, std::nullopt, "tester");
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(seen >= 1);
  CHECK(uncopied(db) == "0");
}

TEST_CASE("a backup that ends while the copy runs is not taken for a standby that is lost") {
  for (const bool privileged : {false, true}) {
    CAPTURE(privileged);
    const test::TestDatabase db(test::Server::any());
    test::create_items(db, 20000);
    if (privileged) db.connect_as_superuser().exec("GRANT pg_read_all_stats TO " + db.role());
    test::Site site(db);
    const auto engagement = site.start(plan(site));
    engagement->advance(one_step("items/expand/column"));
    // A walsender that sends no WAL, as that of a backup.
    std::optional<test::Client> backup(db.superuser_url() + "&replication=true");
    std::string seen, reason;
    site.observer.when_copied = [&] {
      const Progress& progress = site.observer.progress.back();
      for (const SignalNumber& signal : progress.signals) {
        if (signal.name == "replica_lag") seen = signal.state;
      }
      if (!progress.throttled_by.empty()) reason = progress.throttled_by.front();
      if (!reason.empty()) set_stop_signal(SIGINT);
      if (site.observer.progress.size() != 2) return;
      backup.reset();
      std::this_thread::sleep_for(milliseconds(1200));  // until the signals are read again
    };
    CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == "");
    CHECK(reason == "");
    CHECK(seen == "absent");
    CHECK(uncopied(db) == "0");
  }
}

TEST_CASE("a writer that is idle in its transaction is named as who holds back what can be pruned") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  db.connect_as_superuser().exec("GRANT pg_read_all_stats TO " + db.role());
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
  db.exec("CREATE TABLE public.other (id int)");
  test::Client writer = db.connect();
  writer.exec("BEGIN; INSERT INTO public.other VALUES (1)");
  std::string who;
  site.observer.when_copied = [&] {
    for (const SignalNumber& signal : site.observer.progress.back().signals) {
      if (signal.name == "oldest_snapshot") who = signal.detail;
    }
  };
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(who.find(fmt::format("pid {},", writer.pid())) == 0);
}

TEST_CASE("every signal of the server is read, with who is meant") {
  for (const int major : test::Server::majors()) {
    CAPTURE(major);
    const test::TestDatabase db(test::Server::of(major));
    test::create_items(db, 2000);
    db.exec("ALTER TABLE public.items ADD COLUMN b bigint");
    test::Client admin = db.connect_as_superuser();
    admin.exec("GRANT pg_read_all_stats TO " + db.role());
    test::Client preparer = db.connect();
    preparer.exec("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'forgotten'");
    // Holds what a vacuum of the table holds, and two wait for it.
    test::Client vacuum = db.connect(), waiter = db.connect(), other = db.connect();
    vacuum.exec("BEGIN; LOCK TABLE public.items IN SHARE UPDATE EXCLUSIVE MODE");
    waiter.send("BEGIN; LOCK TABLE public.items IN SHARE UPDATE EXCLUSIVE MODE");
    other.send("BEGIN; LOCK TABLE public.items IN SHARE UPDATE EXCLUSIVE MODE");
    test::Site site(db);
    const auto engagement = site.start(test::plan_of({test::items_copy()}));
    const auto control = site.session();
    CopyLimits limits;
    limits.hold_while = "SELECT true";
    CopyJournal(*control, engagement->run()).set_limits(limits, std::nullopt, "tester");
    std::map<std::string, SignalNumber> signals;
    site.observer.when_copied = [&] {
      for (const SignalNumber& signal : site.observer.progress.back().signals) signals[signal.name] = signal;
      if (!signals.empty()) set_stop_signal(SIGINT);
    };
    CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kInterrupted.code);
    preparer.exec("ROLLBACK PREPARED 'forgotten'");
    CHECK(signals.size() == 10);
    CHECK(signals["wal_rate"].limit == 32);
    CHECK(signals["replica_lag"].state == "absent");
    CHECK(signals["replica_lag"].limit == 10);
    CHECK(signals["slot_headroom"].state == "absent");
    CHECK(signals["archiver_backlog"].state == "absent");
    CHECK(signals["active_sessions"].state == "ok");
    CHECK(signals["active_sessions"].value >= 2);
    CHECK(signals["active_sessions"].limit == 50);
    CHECK(signals["lock_waiters"].value == 2);
    CHECK(signals["oldest_snapshot"].detail == "prepared transaction forgotten");
    CHECK(signals["oldest_snapshot"].limit == 60);
    CHECK(signals["vacuum_of_table"].state == "slows");
    CHECK(signals["vacuum_of_table"].detail == fmt::format("pid {}", vacuum.pid()));
    CHECK_FALSE(signals["vacuum_of_table"].since.empty());
    CHECK(signals["probe_latency"].value > 0);
    CHECK(signals["condition"].state == "holds");
  }
}

TEST_CASE("the copy writes no more WAL than its rate, and says so") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  const auto engagement = site.start(plan(site));
  engagement->advance(one_step("items/expand/column"));
  const auto control = site.session();
  CopyLimits limits;
  limits.wal_rate = 1048576;
  CopyJournal(*control, engagement->run()).set_limits(limits, std::nullopt, "tester");
  bool said = false;
  site.observer.when_copied = [&] {
    const Progress& progress = site.observer.progress.back();
    for (const std::string& reason : progress.throttled_by) {
      said = said || reason.find("wal_rate 1 MB/s since 20") == 0;
    }
    if (!said || progress.signals.empty()) return;
    CHECK(progress.signals.front().name == "wal_rate");
    CHECK(progress.signals.front().limit == 1);
  };
  const auto begun = std::chrono::steady_clock::now();
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(said);
  // 20,000 rows are about 3 MB of WAL; half a second's worth passes at once.
  CHECK(std::chrono::steady_clock::now() - begun > std::chrono::seconds(1));
  CHECK(uncopied(db) == "0");
}

TEST_CASE("a row whose value cannot be converted fails the step without its value, and the rest stays copied") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Site site(db);
  Plan dividing = plan(site);
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
  const auto engagement = site.start(plan(site));
  CHECK(test::code_of([&] { engagement->advance(AdvanceRequest{}); }) == errors::kRowSecurity.code);
  db.exec("ALTER TABLE public.items NO FORCE ROW LEVEL SECURITY");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
  CHECK(uncopied(db) == "0");
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
  Plan gated = plan(site);
  gated.steps.push_back(test::gate("items/switch/gate", {GateCondition::Kind::kRelease, "2026.12"}));
  stamp(gated);
  const auto engagement = site.start(gated);
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  CHECK(engagement->rollback(RollbackRequest{{}, "items/backfill/copy"}) == Outcome::kTargetReached);
  CHECK(db.connect().value("SELECT concat(state, generation, cursor) FROM falsework.journal WHERE step LIKE '%copy'") ==
        "undone2");
  db.connect().exec("SET falsework.copy = 'x'; UPDATE public.items SET b = NULL");
  CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kAtGate);
  CHECK(uncopied(db) == "0");
}

TEST_SUITE_END();
