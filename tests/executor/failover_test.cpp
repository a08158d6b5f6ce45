// The primary is lost, and a standby takes over: with all that the run did, or without its last steps.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/error_kinds.h"
#include "tests/executor/site.h"
#include "tests/support/wait.h"

namespace falsework {

namespace {

// A standby of the server of a test database. Its primary is started again at the end.
class Standby {
 public:
  explicit Standby(const test::TestDatabase& database)
      : database_(database), server_(database.server()), data_(server_.socket_directory() / "heir") {
    std::filesystem::remove_all(data_);
    as_server({server_.program("pg_basebackup").string(), "-d", server_.superuser_url(), "-D", data_.string(), "-R",
               "-X", "stream", "-c", "fast"});
    start();
  }
  ~Standby() {
    if (running_) stop();
    if (primary_is_lost_) server_.start();
    std::filesystem::remove_all(data_);
  }
  Standby(const Standby&) = delete;
  Standby& operator=(const Standby&) = delete;

  void start() {
    control({"-w", "-l", (data_ / "log").string(), "-o", fmt::format("-p {}", port()), "start"});
    running_ = true;
  }
  void stop() {
    control({"-w", "-m", "fast", "stop"});
    running_ = false;
  }
  void catch_up() const {
    test::Client primary = database_.connect_as_superuser();
    CHECK(test::wait_until([&] {
      return primary.value("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()") == "1";
    }));
  }
  void lose_primary() {
    server_.stop_immediately();
    primary_is_lost_ = true;
  }
  void promote() const { control({"-w", "promote"}); }

  std::string url() const {
    std::string url = database_.url();
    const std::string own = fmt::format("port={}", server_.port());
    return url.replace(url.find(own), own.size(), fmt::format("port={}", port()));
  }

 private:
  int port() const { return server_.port() + 250; }
  void control(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {server_.program("pg_ctl").string(), "-D", data_.string()});
    as_server(std::move(arguments));
  }
  static void as_server(std::vector<std::string> command) {
    if (geteuid() == 0) command.insert(command.begin(), {"runuser", "-u", "postgres", "--"});
    const test::ProcessResult result = test::run_process(std::move(command));
    if (result.status != 0) throw std::runtime_error(result.out + result.err);
  }

  const test::TestDatabase& database_;
  test::Server& server_;
  const std::filesystem::path data_;
  bool running_ = false, primary_is_lost_ = false;
};

// The client programs come with one version only.
bool has_basebackup(const test::Server& server) { return std::filesystem::exists(server.program("pg_basebackup")); }

std::unique_ptr<Engagement> take_up(test::Site& site, const std::string& run, const std::string& url) {
  ExecutorOptions options = site.options();
  options.connection.conninfo = url;
  return Engagement::take_up(*site.ledger->find_run(run), *site.ledger, site.clock, site.observer, options);
}

}  // namespace

TEST_SUITE_BEGIN("executor/failover");

TEST_CASE("a run goes on at the standby that took over, from where it stood") {
  const test::TestDatabase db(test::Server::any());
  if (!has_basebackup(db.server())) return;
  test::create_items(db, 200);
  test::Site site(db);
  Standby standby(db);
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
  if (!has_basebackup(db.server())) return;
  test::create_items(db, 200);
  test::Site site(db);
  Standby standby(db);
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
