#include "tests/executor/standby.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

void as_server(std::vector<std::string> command) {
  if (geteuid() == 0) command.insert(command.begin(), {"runuser", "-u", "postgres", "--"});
  const ProcessResult result = run_process(std::move(command));
  if (result.status != 0) throw std::runtime_error(result.out + result.err);
}

}  // namespace

bool Standby::possible(const Server& server) { return std::filesystem::exists(server.program("pg_basebackup")); }

Standby::Standby(const TestDatabase& database, const std::string& settings)
    : database_(database), server_(database.server()), data_(server_.socket_directory() / "heir") {
  std::filesystem::remove_all(data_);
  as_server({server_.program("pg_basebackup").string(), "-d", server_.superuser_url(), "-D", data_.string(), "-R", "-X",
             "stream", "-c", "fast"});
  std::ofstream(data_ / "postgresql.conf", std::ios::app) << settings;
  start();
}

Standby::~Standby() {
  if (running_) stop();
  if (primary_is_lost_) server_.start();
  std::filesystem::remove_all(data_);
}

void Standby::start() {
  control({"-w", "-l", (data_ / "log").string(), "-o", fmt::format("-p {}", port()), "start"});
  running_ = true;
}

void Standby::stop() {
  control({"-w", "-m", "fast", "stop"});
  running_ = false;
}

void Standby::catch_up() const {
  Client primary = database_.connect_as_superuser();
  CHECK(wait_until([&] {
    return primary.value("SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= pg_current_wal_lsn()") == "1";
  }));
}

void Standby::lose_primary() {
  server_.stop_immediately();
  primary_is_lost_ = true;
}

void Standby::promote() const { control({"-w", "promote"}); }

std::string Standby::here(std::string url) const {
  const std::string own = fmt::format("port={}", server_.port());
  return url.replace(url.find(own), own.size(), fmt::format("port={}", port()));
}

void Standby::control(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {server_.program("pg_ctl").string(), "-D", data_.string()});
  as_server(std::move(arguments));
}

}  // namespace falsework::test
