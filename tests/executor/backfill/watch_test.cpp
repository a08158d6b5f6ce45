#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <optional>
#include <thread>

#include "base/error_kinds.h"
#include "base/stop.h"
#include "state/postgres/copy_journal.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {
using std::chrono::milliseconds;

TEST_SUITE_BEGIN("executor/backfill/watch");

TEST_CASE("a pause from elsewhere holds the copy at its next batch, and outlives the engine; resume lets it go on") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  test::Site site(db);
  std::string run;
  {
    const auto engagement = site.start(test::copy_plan(site));
    run = engagement->run();
    engagement->advance(test::one_step("items/expand/column"));
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
  CHECK(test::uncopied(db) == "0");
  const auto history = site.history(run);
  CHECK(std::count(history.begin(), history.end(), "run_paused items/backfill/copy") == 2);
  CHECK(std::count(history.begin(), history.end(), "run_resumed items/backfill/copy") == 1);
}

TEST_CASE("a condition of the user's holds the copy while it is true, and so does one that fails") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  db.exec("CREATE TABLE public.busy ()");
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
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
  CHECK(test::uncopied(db) == "0");
}

TEST_CASE("a backup that ends while the copy runs is not taken for a standby that is lost") {
  for (const bool privileged : {false, true}) {
    CAPTURE(privileged);
    const test::TestDatabase db(test::Server::any());
    test::create_items(db, 20000);
    if (privileged) db.connect_as_superuser().exec("GRANT pg_read_all_stats TO " + db.role());
    test::Site site(db);
    const auto engagement = site.start(test::copy_plan(site));
    engagement->advance(test::one_step("items/expand/column"));
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
    CHECK(test::uncopied(db) == "0");
  }
}

TEST_CASE("a writer that is idle in its transaction is named as who holds back what can be pruned") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  db.connect_as_superuser().exec("GRANT pg_read_all_stats TO " + db.role());
  test::Site site(db);
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
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
  const auto engagement = site.start(test::copy_plan(site));
  engagement->advance(test::one_step("items/expand/column"));
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
  CHECK(test::uncopied(db) == "0");
}

TEST_SUITE_END();

}  // namespace falsework
