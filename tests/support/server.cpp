#include "tests/support/server.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/home.h"
#include "tests/support/process.h"

namespace falsework::test {

namespace {

constexpr int kOldest = 14;
constexpr int kNewest = 18;

std::filesystem::path installation(int major) {
  const char* root = std::getenv("FALSEWORK_PG_ROOT");
  return std::filesystem::path(root != nullptr && *root != '\0' ? root : "/var/cache/falsework/postgres") /
         std::to_string(major);
}

std::vector<int> find_majors() {
  const char* asked = std::getenv("FALSEWORK_TEST_VERSIONS");
  std::vector<int> majors;
  if (asked != nullptr && *asked != '\0') {
    std::istringstream list(asked);
    for (std::string item; std::getline(list, item, ',');) majors.push_back(std::stoi(item));
  } else {
    for (int major = kOldest; major <= kNewest; ++major) {
      if (std::filesystem::exists(installation(major))) majors.push_back(major);
    }
  }
  for (const int major : majors) {
    const auto program = installation(major) / "bin" / "postgres";
    if (!std::filesystem::exists(program)) throw std::runtime_error("no server at " + program.string());
  }
  if (majors.empty()) throw std::runtime_error("no PostgreSQL is installed: run scripts/install.sh");
  std::sort(majors.begin(), majors.end());
  return majors;
}

// PostgreSQL refuses to run as root.
bool is_root() { return geteuid() == 0; }

void give_to_postgres(const std::filesystem::path& path) {
  if (!is_root()) return;
  const passwd* user = getpwnam("postgres");
  if (user == nullptr) throw std::runtime_error("there is no user postgres: run scripts/install.sh");
  if (chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) throw std::runtime_error("chown " + path.string());
}

std::string unique_name(const std::string& prefix) {
  static std::atomic<int> count{0};
  return prefix + std::to_string(++count);
}

// Percent-encodes for a connection URL.
std::string encode(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (plain) {
      encoded += c;
    } else {
      constexpr const char* kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
    }
  }
  return encoded;
}

// Half the cost of the way through the WAL, which 15 made the usual one.
const char* by_files(const Server& server) { return server.major() >= 15 ? " STRATEGY file_copy" : ""; }

}  // namespace

const std::vector<int>& Server::majors() {
  static const std::vector<int> majors = find_majors();
  return majors;
}

Server& Server::of(int major) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<Server>> servers;
  const std::lock_guard lock(mutex);
  auto& server = servers[major];
  if (!server) {
    auto made = std::unique_ptr<Server>(new Server(major));
    made->initialize();
    made->start();
    server = std::move(made);
  }
  return *server;
}

Server& Server::any() {
  const auto& all = majors();
  const bool has_15 = std::find(all.begin(), all.end(), 15) != all.end();
  return of(has_15 ? 15 : all.back());
}

Server::Server(int major) : major_(major), directory_(home() / std::to_string(major)) {
  if (!std::filesystem::exists(program("postgres"))) {
    throw std::runtime_error("no server at " + program("postgres").string() + ": run scripts/install.sh");
  }
}

std::filesystem::path Server::program(const std::string& name) const { return installation(major_) / "bin" / name; }

void Server::control(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command;
  if (is_root()) command = {"runuser", "-u", "postgres", "--"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ProcessOptions options;
  options.directory = directory_;
  const ProcessResult result = run_process(std::move(command), options);
  if (result.status == 0) return;
  throw std::runtime_error(arguments.at(0) + " failed:\n" + result.out + result.err + log());
}

void Server::initialize() const {
  std::filesystem::create_directory(directory_);
  give_to_postgres(directory_);
  control({program("initdb"), "-D", data_directory(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
           "--no-sync"});
  std::ofstream(data_directory() / "postgresql.conf", std::ios::app)
      << "listen_addresses = ''\n"
      << "unix_socket_directories = '" << directory_.string() << "'\n"
      << "port = " << port() << "\n"
      << "fsync = off\n"
      << "max_wal_size = '96MB'\n"
      << "min_wal_size = '32MB'\n"
      << "wal_level = logical\n"
      << "max_prepared_transactions = 10\n"
      << "log_line_prefix = '%m [%p] %q%u@%d '\n";
}

std::string Server::url(const std::string& database, const std::string& role) const {
  return "postgresql://" + encode(role) + "@/" + encode(database) + "?host=" + encode(directory_.string()) +
         "&port=" + std::to_string(port());
}

std::string Server::superuser_url(const std::string& database) const { return url(database, "postgres"); }

void Server::start() {
  control({program("pg_ctl"), "-D", data_directory(), "-l", directory_ / "log", "-w", "-t", "60", "start"});
}

void Server::stop() { control({program("pg_ctl"), "-D", data_directory(), "-w", "-m", "fast", "stop"}); }

void Server::stop_immediately() {
  control({program("pg_ctl"), "-D", data_directory(), "-w", "-m", "immediate", "stop"});
}

void Server::restart_immediately() {
  stop_immediately();
  start();
}

pid_t Server::postmaster_pid() const {
  std::ifstream file(data_directory() / "postmaster.pid");
  pid_t pid = 0;
  if (!(file >> pid)) throw std::runtime_error("PostgreSQL " + std::to_string(major_) + " does not run");
  return pid;
}

std::string Server::log() const {
  std::ifstream file(directory_ / "log", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct TestDatabase::Roles {
  Server* server;
  std::string owner;
  std::vector<std::string> all;

  Roles(Server& on, std::string name) : server(&on), owner(std::move(name)), all{owner} {}
  Roles(const Roles&) = delete;
  Roles& operator=(const Roles&) = delete;
  ~Roles() {
    for (auto role = all.rbegin(); role != all.rend(); ++role) {
      try {
        Client(server->superuser_url()).exec("DROP ROLE \"" + *role + "\"");
      } catch (const std::exception& failure) {
        fprintf(stderr, "cannot drop role %s: %s\n", role->c_str(), failure.what());
      }
    }
  }
};

TestDatabase::TestDatabase(Server& server, std::string name, std::shared_ptr<Roles> roles)
    : server_(&server), name_(std::move(name)), roles_(std::move(roles)) {}

TestDatabase::TestDatabase(Server& server) : server_(&server), name_(unique_name("fwdb_")) {
  Client superuser(server.superuser_url());
  const std::string role = unique_name("fwowner_");
  superuser.exec("CREATE ROLE " + role + " LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE");
  roles_ = std::make_shared<Roles>(server, role);
  superuser.exec("CREATE DATABASE " + name_ + " OWNER " + role + by_files(server));
  Client(superuser_url()).exec("ALTER SCHEMA public OWNER TO " + role);
}

TestDatabase::TestDatabase(TestDatabase&& other) noexcept
    : server_(other.server_), name_(std::exchange(other.name_, {})), roles_(std::move(other.roles_)) {}

TestDatabase::~TestDatabase() {
  if (name_.empty()) return;
  try {
    {
      // Both would hold the database.
      Client inside(superuser_url());
      for (const Row& row : inside.query("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")) {
        inside.exec("ROLLBACK PREPARED '" + row[0].value() + "'");
      }
      inside.query(
          "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()");
    }
    Client(server_->superuser_url()).exec("DROP DATABASE " + name_ + " WITH (FORCE)");
  } catch (const std::exception& failure) {
    fprintf(stderr, "cannot drop database %s: %s\n", name_.c_str(), failure.what());
  }
}

const std::string& TestDatabase::role() const { return roles_->owner; }

std::string TestDatabase::add_role(const std::string& suffix, const std::string& options) {
  const std::string role = unique_name("fwrole_") + "_" + suffix;
  Client(server_->superuser_url()).exec("CREATE ROLE \"" + role + "\" LOGIN " + options);
  roles_->all.push_back(role);
  return role;
}

TestDatabase TestDatabase::clone() const {
  const std::string name = unique_name("fwdb_");
  Client(server_->superuser_url())
      .exec("CREATE DATABASE " + name + " TEMPLATE " + name_ + " OWNER " + role() + by_files(*server_));
  return TestDatabase(*server_, name, roles_);
}

}  // namespace falsework::test
