// A copy beside a real standby, a slot that nears its end, and an archiver that falls behind.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "state/postgres/copy_journal.h"
#include "tests/executor/site.h"
#include "tests/executor/standby.h"
#include "tests/support/wait.h"

namespace falsework {

namespace {

// A copy of 20,000 rows by a role that may look at replication, up to where the copy begins.
struct Copying {
  explicit Copying(const test::TestDatabase& database) : db(database), site(database) {
    db.connect_as_superuser().exec("GRANT pg_read_all_stats TO " + db.role());
    engagement = site.start(test::copy_plan(site));
    engagement->advance(test::one_step("items/expand/column"));
    control = site.session();
  }

  void limit(const CopyLimits& limits) const {
    CopyJournal(*control, engagement->run()).set_limits(limits, std::nullopt, "tester");
  }
  // Of the last look; nullopt before the first.
  std::optional<SignalNumber> signal(const std::string& name) const {
    const auto& signals = site.observer.progress.back().signals;
    const auto found =
        std::find_if(signals.begin(), signals.end(), [&](const auto& each) { return each.name == name; });
    return found == signals.end() ? std::nullopt : std::optional(*found);
  }
  // The first reason that begins so; empty when there is none.
  std::string held_by(const std::string& beginning) const {
    for (const std::string& reason : site.observer.progress.back().throttled_by) {
      if (reason.rfind(beginning, 0) == 0) return reason;
    }
    return {};
  }
  void finishes() const {
    CHECK(engagement->advance(AdvanceRequest{}) == Outcome::kDone);
    CHECK(test::uncopied(db) == "0");
  }

  const test::TestDatabase& db;
  mutable test::Site site;
  std::unique_ptr<Engagement> engagement;
  std::unique_ptr<pg::Session> control;
};

// A setting of the server, until the end of the scope.
class ServerSetting {
 public:
  ServerSetting(const test::TestDatabase& db, const std::string& name, const std::string& value)
      : db_(db), name_(name) {
    set(fmt::format("ALTER SYSTEM SET {} = '{}'", name, value));
  }
  ~ServerSetting() { set("ALTER SYSTEM RESET " + name_); }
  ServerSetting(const ServerSetting&) = delete;
  ServerSetting& operator=(const ServerSetting&) = delete;

 private:
  // Connects anew each time, for a test may start the server anew.
  void set(const std::string& statement) const {
    test::Client admin = db_.connect_as_superuser();
    admin.exec(statement);
    admin.exec("SELECT pg_reload_conf()");
  }

  const test::TestDatabase& db_;
  const std::string name_;
};

}  // namespace

TEST_SUITE_BEGIN("executor/backfill/replicas");

TEST_CASE("a standby that falls behind holds the copy by its name, and lets it go on once it has caught up") {
  const test::TestDatabase db(test::Server::any());
  if (!test::Standby::possible(db.server())) return;
  test::create_items(db, 20000);
  const test::Standby standby(db, "wal_receiver_status_interval = '1s'\ncluster_name = 'heir'\n");
  const Copying copy(db);
  standby.catch_up();
  CopyLimits limits;
  limits.max_lag = std::chrono::milliseconds(1000);
  limits.wal_rate = 256 * 1024;  // of about 3 MB: long enough for the lag to be seen
  copy.limit(limits);
  test::Client replay(standby.superuser_url());
  replay.exec("SELECT pg_wal_replay_pause()");
  std::string reason;
  std::int64_t rows_at_hold = -1;
  copy.site.observer.when_copied = [&] {
    const std::string held = copy.held_by("replica_lag ");
    if (held.empty() || rows_at_hold >= 0) return;
    reason = held;
    rows_at_hold = copy.site.observer.progress.back().rows;
    const auto lag = copy.signal("replica_lag");
    REQUIRE(lag);
    CHECK(lag->state == "holds");
    CHECK(lag->value >= 1);
    CHECK(lag->limit == 1);
    CHECK_FALSE(lag->since.empty());
    replay.exec("SELECT pg_wal_replay_resume()");
    limits.wal_rate = 0;
    copy.limit(limits);
  };
  copy.finishes();
  CHECK(reason.find("over 1 s (heir)") != std::string::npos);
  CHECK(rows_at_hold < 20000);
}

TEST_CASE("a standby that is gone holds the copy until it is back") {
  const test::TestDatabase db(test::Server::any());
  if (!test::Standby::possible(db.server())) return;
  test::create_items(db, 20000);
  test::Standby standby(db);
  const Copying copy(db);
  standby.catch_up();
  CopyLimits limits;
  limits.wal_rate = 256 * 1024;
  copy.limit(limits);
  std::string reason;
  bool stopped = false;
  copy.site.observer.when_copied = [&] {
    const auto lag = copy.signal("replica_lag");
    if (!stopped && lag && lag->state == "ok") {
      standby.stop();
      stopped = true;
    }
    const std::string held = copy.held_by("replica_lag ");
    if (held.empty() || !reason.empty()) return;
    reason = held;
    CHECK(lag->state == "holds");
    CHECK(lag->detail.find("0 of 1 standbys") == 0);
    standby.start();
    limits.wal_rate = 0;
    copy.limit(limits);
  };
  copy.finishes();
  CHECK(reason.find("can no longer be read (0 of 1 standbys are connected") != std::string::npos);
}

TEST_CASE("a slot that nears the end of what may be kept for it holds the copy by its name") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 20000);
  const ServerSetting limit(db, "max_slot_wal_keep_size", "200MB");
  test::Client admin = db.connect_as_superuser();
  admin.exec("SELECT pg_create_physical_replication_slot('left_behind', true)");
  const Copying copy(db);
  std::string reason;
  copy.site.observer.when_copied = [&] {
    const std::string held = copy.held_by("slot_headroom ");
    if (held.empty() || !reason.empty()) return;
    reason = held;
    CHECK(copy.signal("slot_headroom")->state == "holds");
    admin.exec("SELECT pg_drop_replication_slot('left_behind')");
  };
  copy.finishes();
  CHECK(reason.find("(left_behind)") != std::string::npos);
}

TEST_CASE("what an archiver has not archived yet is counted") {
  const test::TestDatabase db(test::Server::any());
  test::create_items(db, 2000);
  test::Server& server = db.server();
  const auto restart = [&] {
    server.stop();
    server.start();
  };
  const auto write_segments = [&](int number) {
    test::Client admin = db.connect_as_superuser();
    for (int i = 0; i < number; ++i) admin.exec("SELECT pg_current_xact_id(); SELECT pg_switch_wal()");
  };
  {
    const ServerSetting mode(db, "archive_mode", "on");
    const ServerSetting works(db, "archive_command", "true");
    restart();
    write_segments(1);
    CHECK(test::wait_until([&] {
      return db.connect().value("SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal ~ '^[0-9A-F]{24}$'") ==
             "1";
    }));
    const ServerSetting fails(db, "archive_command", "false");
    write_segments(3);
    const Copying copy(db);
    std::optional<SignalNumber> backlog;
    copy.site.observer.when_copied = [&] {
      if (const auto seen = copy.signal("archiver_backlog")) backlog = seen;
    };
    copy.finishes();
    REQUIRE(backlog);
    CHECK(backlog->state == "ok");
    CHECK(backlog->value >= 3);
    CHECK(backlog->value < 20);
    CHECK(backlog->limit == 64);
  }
  restart();
}

TEST_SUITE_END();

}  // namespace falsework
