// A real PgBouncer in transaction mode between us and the server.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

#include "base/error_kinds.h"
#include "postgres/session/session.h"
#include "tests/support/process.h"
#include "tests/support/server.h"
#include "tests/support/wait.h"

using falsework::Error;
using falsework::test::Client;
using falsework::test::Process;
using falsework::test::SqlFailure;
using falsework::test::TestDatabase;

namespace {

constexpr const char* kProgram = "/usr/sbin/pgbouncer";

class PgBouncer {
 public:
  PgBouncer(const TestDatabase& database, const std::string& more)
      : database_(database), port_(database.server().port() + 300) {
    const auto directory = database.server().socket_directory();
    const auto file = directory / "pgbouncer.ini";
    std::ofstream(file) << "[databases]\n"
                        << fmt::format("{0} = host={1} port={2} dbname={0} user={3}\n", database.name(),
                                       directory.string(), database.server().port(), database.role())
                        << "[pgbouncer]\nlisten_addr =\nauth_type = any\npool_mode = transaction\n"
                        << fmt::format("unix_socket_dir = {}\nlisten_port = {}\n", directory.string(), port_) << more;
    std::vector<std::string> command{kProgram, file.string()};
    // It refuses to run as root, as the server does.
    if (geteuid() == 0) command.insert(command.end(), {"-u", "postgres"});
    process_ = std::make_unique<Process>(command);
    const auto answers = [&] {
      try {
        return Client(url()).value("SELECT 1") == "1";
      } catch (const SqlFailure&) {
        return false;
      }
    };
    if (!falsework::test::wait_until(answers)) throw std::runtime_error("pgbouncer: " + process_->err());
  }

  std::string url() const {
    std::string url = database_.url();
    const std::string own = fmt::format("port={}", database_.server().port());
    return url.replace(url.find(own), own.size(), fmt::format("port={}", port_));
  }

 private:
  const TestDatabase& database_;
  const int port_;
  std::unique_ptr<Process> process_;
};

std::string refusal(const std::string& url) {
  falsework::pg::ConnectionSettings settings;
  settings.conninfo = url;
  try {
    falsework::pg::connect(settings);
  } catch (const Error& error) {
    return fmt::format("{}: {}", error.code(), error.what());
  }
  return "connected";
}

}  // namespace

TEST_SUITE("postgres/session/pooler") {
  TEST_CASE("PgBouncer in transaction mode is refused, whether it refuses our settings or drops them") {
    REQUIRE_MESSAGE(access(kProgram, X_OK) == 0, "there is no pgbouncer: run scripts/install.sh");
    const TestDatabase database(falsework::test::Server::any());
    {
      const PgBouncer strict(database, "");
      CHECK(refusal(strict.url()).find("connection.pooled: ") == 0);
      CHECK(refusal(strict.url()).find("is a pooler that refuses startup options") != std::string::npos);
    }
    const PgBouncer lax(database, "ignore_startup_parameters = options,extra_float_digits\n");
    CHECK(refusal(lax.url()).find("connection.pooled: the connection goes through a pooler") == 0);
    CHECK(refusal(database.url()) == "connected");
  }
}
