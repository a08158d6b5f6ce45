// A standby of the server of a test database, by streaming; gone at the end of the scope.
//
// One rule: whatever a test did to the primary, it runs again afterwards.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/server.h"

namespace falsework::test {

class Standby {
 public:
  // pg_basebackup comes with one version only.
  static bool possible(const Server& server);

  // `settings`: lines for its postgresql.conf.
  explicit Standby(const TestDatabase& database, const std::string& settings = {});
  ~Standby();
  Standby(const Standby&) = delete;
  Standby& operator=(const Standby&) = delete;

  void start();
  void stop();
  // Waits until it has replayed all that the primary has written.
  void catch_up() const;
  void lose_primary();
  void promote() const;

  // As the owner of the database; as superuser.
  std::string url() const { return here(database_.url()); }
  std::string superuser_url() const { return here(database_.superuser_url()); }

 private:
  int port() const { return server_.port() + 250; }
  std::string here(std::string url) const;
  void control(std::vector<std::string> arguments) const;

  const TestDatabase& database_;
  Server& server_;
  const std::filesystem::path data_;
  bool running_ = false, primary_is_lost_ = false;
};

}  // namespace falsework::test
