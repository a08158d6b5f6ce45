#include "tests/kill/program.h"

#include "base/file.h"
#include "state/ledger.h"

namespace falsework::test {

Program::Program(const TestDatabase& database, const Plan& plan) : plan_(plan), url_(database.url()) {
  write_file(path("plan.json"), render_plan(plan));
}

std::vector<std::string> Program::apply() const { return {"apply", "plan.json", "--yes", "-q"}; }

std::vector<std::string> Program::advance() const {
  std::vector<std::string> command{"advance", plan_.name, "--to-end", "--confirm", plan_.name, "--yes", "-q"};
  for (const auto& [key, release] : plan_.releases) command.insert(command.end(), {"--release", release});
  return command;
}

std::vector<std::string> Program::switch_over() const {
  return {"advance", plan_.name, "--release", plan_.releases.at("switch"), "--yes", "-q"};
}

std::vector<std::string> Program::rollback() const { return {"rollback", plan_.name, "--yes", "-q"}; }

std::vector<std::string> Program::whole(std::vector<std::string> command) const {
  command.insert(command.begin(), FALSEWORK_PROGRAM);
  command.insert(command.end(), {"-d", url_, "--state", path("state.db")});
  return command;
}

std::unique_ptr<Process> Program::launch(std::vector<std::string> command, const Environment& environment) const {
  ProcessOptions options;
  options.directory = directory_.path();
  options.environment = environment;
  return std::make_unique<Process>(std::move(command), options);
}

std::unique_ptr<Process> Program::start(std::vector<std::string> command, const Environment& environment) const {
  return launch(whole(std::move(command)), environment);
}

ProcessResult Program::run_within(long kilobytes, const std::vector<std::string>& command) const {
  std::vector<std::string> limited{"sh", "-c", "ulimit -v \"$0\"; exec \"$@\"", std::to_string(kilobytes)};
  for (std::string& word : whole(command)) limited.push_back(std::move(word));
  return launch(std::move(limited), {})->wait();
}

ProcessResult Program::run(const std::vector<std::string>& command, const Environment& environment) const {
  return start(command, environment)->wait();
}

std::size_t Program::runs() const {
  if (!std::filesystem::exists(path("state.db"))) return 0;
  return Ledger::open(path("state.db"), false)->runs().size();
}

}  // namespace falsework::test
