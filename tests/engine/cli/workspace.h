// A directory, a database and the built program: what a person at a shell has.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {

using Json = nlohmann::json;

// The declaration that most tests use: a rename with releases for both gates.
extern const char* const kRename;

class Workspace {
 public:
  Workspace();

  TestDatabase& database() { return database_; }
  const TestDatabase& database() const { return database_; }
  std::string url() const { return database_.url(); }
  std::filesystem::path path(const std::string& file) const { return directory_.path() / file; }
  void write(const std::string& file, const std::string& text) const;
  std::string read(const std::string& file) const;

  // Runs the program here. Nothing of the caller's environment names a database or a ledger.
  ProcessResult run(std::vector<std::string> arguments, const std::string& input = "") const;
  std::unique_ptr<Process> start(std::vector<std::string> arguments,
                                 std::map<std::string, std::string> environment = {}) const;
  // Runs it with --json and -d, requires this status, and reads what it printed.
  Json json(std::vector<std::string> arguments, int status = 0) const;

  // users(id, email, phone) with `rows` rows, owned by the role of the database.
  void make_users(int rows = 100) const;
  // Makes a plan of `declaration` under this file name.
  void plan(const std::string& declaration = kRename, const std::string& file = "plan.json") const;
  // The id of the only run.
  std::string only_run() const;

 private:
  ProcessOptions options() const;

  TemporaryDirectory directory_;
  TestDatabase database_;
};

}  // namespace falsework::test
