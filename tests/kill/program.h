// The built program at work on one database: a directory with a plan and a ledger, and the commands that a person
// types.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plans/plan.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {

using Environment = std::map<std::string, std::string>;

class Program {
 public:
  Program(const TestDatabase& database, const Plan& plan);

  std::filesystem::path path(const std::string& file) const { return directory_.path() / file; }
  std::vector<std::string> apply() const;
  // To the gate of contract.
  std::vector<std::string> switch_over() const;
  // To the end, through every gate and past the point of no return.
  std::vector<std::string> advance() const;
  std::vector<std::string> rollback() const;

  ProcessResult run(const std::vector<std::string>& command, const Environment& environment = {}) const;
  // As run, with at most so much address space.
  ProcessResult run_within(long kilobytes, const std::vector<std::string>& command) const;
  std::unique_ptr<Process> start(std::vector<std::string> command, const Environment& environment = {}) const;
  // How many runs the ledger knows; 0 without a ledger.
  std::size_t runs() const;

 private:
  std::vector<std::string> whole(std::vector<std::string> command) const;
  std::unique_ptr<Process> launch(std::vector<std::string> command, const Environment& environment) const;

  const Plan& plan_;
  TemporaryDirectory directory_;
  std::string url_;
};

}  // namespace falsework::test
