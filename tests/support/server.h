// Real PostgreSQL servers for tests, 14 to 18, thrown away at the end.
//
// One rule: a cluster belongs to one test process; it is started when first asked for and removed when the process
// ends, however it ends (a watcher outside the process sees to it).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/client.h"

namespace falsework::test {

class Server {
 public:
  // The versions to test: FALSEWORK_TEST_VERSIONS (`15` or `14,15`), else all that are installed below
  // FALSEWORK_PG_ROOT. Throws when there is none, or one that is asked for is absent.
  static const std::vector<int>& majors();
  // The cluster of that version, started. Throws std::runtime_error with the server's log when it does not start.
  static Server& of(int major);
  // For tests that no version matters to: 15 if it is among majors(), else the newest.
  static Server& any();

  int major() const { return major_; }
  int port() const { return 5400 + major_; }
  const std::filesystem::path& socket_directory() const { return directory_; }
  std::filesystem::path data_directory() const { return directory_ / "data"; }
  // A program of this version, e.g. `pg_ctl`. Only 15 has the client programs (psql, pg_dump) for certain.
  std::filesystem::path program(const std::string& name) const;

  std::string url(const std::string& database, const std::string& role) const;
  // A connection string for the superuser.
  std::string superuser_url(const std::string& database = "postgres") const;

  // A crash: every backend ends at once, and start() recovers from WAL. TestDatabases survive it.
  void stop_immediately();
  void stop();
  void start();
  void restart_immediately();
  pid_t postmaster_pid() const;
  // Everything that the server has logged.
  std::string log() const;

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  explicit Server(int major);
  void initialize() const;
  void control(const std::vector<std::string>& arguments) const;

  const int major_;
  const std::filesystem::path directory_;
};

// A database of its own for one test, owned by a role that is no superuser; dropped at the end of the scope.
class TestDatabase {
 public:
  explicit TestDatabase(Server& server);
  ~TestDatabase();
  TestDatabase(TestDatabase&& other) noexcept;
  TestDatabase& operator=(TestDatabase&&) = delete;

  Server& server() const { return *server_; }
  const std::string& name() const { return name_; }
  // The owner of the database and of schema public. LOGIN, no superuser, may create nothing outside this database.
  const std::string& role() const;

  std::string url() const { return server_->url(name_, role()); }
  std::string superuser_url() const { return server_->superuser_url(name_); }
  std::string url_as(const std::string& role) const { return server_->url(name_, role); }

  Client connect() const { return Client(url()); }
  Client connect_as_superuser() const { return Client(superuser_url()); }
  // Runs a script as the owner.
  void exec(const std::string& sql) const { connect().exec(sql); }

  // Creates a LOGIN role for this test, dropped with the database; returns its name, which ends in `suffix`.
  std::string add_role(const std::string& suffix, const std::string& options = "");

  // Copies this database, with the same owner and roles. Nobody else may be connected to it.
  TestDatabase clone() const;

 private:
  // Shared by a database and its clones; dropped with the last of them.
  struct Roles;

  TestDatabase(Server& server, std::string name, std::shared_ptr<Roles> roles);

  Server* server_;
  std::string name_;  // empty: moved from
  std::shared_ptr<Roles> roles_;
};

}  // namespace falsework::test
