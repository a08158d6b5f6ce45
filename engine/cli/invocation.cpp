#include "engine/cli/invocation.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/error_kinds.h"

namespace falsework::cli {

namespace {

constexpr const char* kUsualLedger = ".falsework/state.db";
constexpr std::chrono::milliseconds kIntervalOfABar{500};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// user@host, as a reader of the history knows them.
std::string actor() {
  const passwd* user = getpwuid(geteuid());
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host.front() = '\0';
  return fmt::format("{}@{}", user != nullptr ? user->pw_name : std::to_string(geteuid()), host.data());
}

}  // namespace

bool names_file(const std::string& word) {
  std::error_code ignored;
  return word == "-" || std::filesystem::exists(word, ignored);
}

Invocation::Invocation(const Command& command, Arguments arguments)
    : command_(command), arguments_(std::move(arguments)), console_(arguments_.has("json")) {}

bool Invocation::needs(Needs what) const {
  return std::find(command_.needs.begin(), command_.needs.end(), what) != command_.needs.end();
}

Connection Invocation::connection() const {
  FALSEWORK_CHECK(needs(Needs::kDatabase));
  if (arguments_.value("database") == "") {
    throw Error(errors::kUsage, "--database is empty",
                "A variable that is not set, perhaps. Leave -d out to use DATABASE_URL or libpq's own environment.");
  }
  Connection connection;
  connection.conninfo = arguments_.value("database").value_or(environment("DATABASE_URL"));
  connection.application_name = fmt::format("falsework {}", command_.name);
  return connection;
}

bool Invocation::database_is_named() const {
  return arguments_.has("database") || !environment("DATABASE_URL").empty();
}

std::string Invocation::user() const {
  const std::string who = actor();
  return who.substr(0, who.find('@'));
}

std::string Invocation::actor_here() const { return fmt::format("{} ({})", actor(), getpid()); }

bool Invocation::ledger_is_named() const { return arguments_.has("state") || !environment("FALSEWORK_STATE").empty(); }

std::string Invocation::ledger_path() const {
  std::string path = arguments_.value("state").value_or(environment("FALSEWORK_STATE"));
  if (path.empty()) path = kUsualLedger;
  if (path == "postgres") {
    throw Error(errors::kUsage, "a ledger in the database (--state postgres) is not available in this version",
                "Name a file, or leave --state out: a ledger at .falsework/state.db is used then.");
  }
  return path;
}

bool Invocation::has_ledger() const {
  std::error_code ignored;
  // One that was named is opened in any case, so that a wrong name is noticed.
  return ledger_is_named() || std::filesystem::exists(std::filesystem::symlink_status(ledger_path(), ignored));
}

Ledger& Invocation::ledger() {
  FALSEWORK_CHECK(needs(Needs::kLedger) || needs(Needs::kLedgerCreated));
  if (!ledger_) ledger_ = Ledger::open(ledger_path(), needs(Needs::kLedgerCreated));
  return *ledger_;
}

Ledger* Invocation::ledger_if_any() {
  std::error_code ignored;
  if (!std::filesystem::exists(std::filesystem::symlink_status(ledger_path(), ignored))) return nullptr;
  return &ledger();
}

ExecutorOptions Invocation::executor_options() const {
  ExecutorOptions options;
  const Connection where = connection();
  options.connection.conninfo = where.conninfo;
  options.connection.application_name = where.application_name;
  options.actor = actor();
  options.lock_timeout = arguments_.duration("lock-timeout");
  options.lock_budget = arguments_.duration("lock-budget");
  options.build_timeout = arguments_.duration("build-timeout");
  options.patience = arguments_.duration("patience").value_or(options.patience);
  options.take_over = arguments_.has("take-over");
  options.terminate_blockers = arguments_.has("terminate-blockers");
  options.allow_superuser = arguments_.has("allow-superuser");
  if (Console::overprints()) options.progress_interval = kIntervalOfABar;
  return options;
}

}  // namespace falsework::cli
