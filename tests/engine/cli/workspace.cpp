#include "tests/engine/cli/workspace.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

namespace falsework::test {

const char* const kRename =
    "-- falsework: name=users_email switch=2026.12 contract=2027.01\n"
    "ALTER TABLE users RENAME COLUMN email TO email_address;\n";

Workspace::Workspace() : database_(Server::any()) {}

void Workspace::write(const std::string& file, const std::string& text) const {
  std::ofstream(path(file), std::ios::binary) << text;
}

std::string Workspace::read(const std::string& file) const {
  std::ostringstream text;
  text << std::ifstream(path(file), std::ios::binary).rdbuf();
  return text.str();
}

ProcessOptions Workspace::options() const {
  ProcessOptions options;
  options.directory = directory_.path();
  for (const char* name : {"DATABASE_URL", "FALSEWORK_STATE", "PGPASSWORD"}) options.environment[name] = "";
  options.environment["PGHOST"] = directory_.path().string();
  return options;
}

ProcessResult Workspace::run(std::vector<std::string> arguments, const std::string& input) const {
  arguments.insert(arguments.begin(), FALSEWORK_PROGRAM);
  ProcessOptions with_input = options();
  with_input.input = input;
  return run_process(std::move(arguments), with_input);
}

std::unique_ptr<Process> Workspace::start(std::vector<std::string> arguments,
                                          std::map<std::string, std::string> environment) const {
  arguments.insert(arguments.begin(), FALSEWORK_PROGRAM);
  ProcessOptions with_environment = options();
  environment.merge(with_environment.environment);
  with_environment.environment = std::move(environment);
  return std::make_unique<Process>(std::move(arguments), with_environment);
}

Json Workspace::json(std::vector<std::string> arguments, int status) const {
  arguments.insert(arguments.end(), {"--json", "-d", url()});
  const ProcessResult result = run(arguments);
  CAPTURE(arguments.front());
  CAPTURE(result.out);
  CAPTURE(result.err);
  REQUIRE(result.status == status);
  return Json::parse(result.out);
}

void Workspace::make_users(int rows) const {
  database_.exec(
      "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, phone text);"
      "INSERT INTO users (email) SELECT 'u' || n FROM generate_series(1, " +
      std::to_string(rows) + ") n");
}

void Workspace::plan(const std::string& declaration, const std::string& file) const {
  write("declaration.sql", declaration);
  const ProcessResult result = run({"plan", "declaration.sql", "-d", url(), "-o", file});
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
}

std::string Workspace::only_run() const {
  const Json runs = json({"status"}).at("runs");
  REQUIRE(runs.size() == 1);
  return runs[0].at("run");
}

}  // namespace falsework::test
