#include "tests/support/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "tests/support/home.h"
#include "tests/support/wait.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves the declaration to the program

namespace falsework::test {

namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (additions.count(text.substr(0, text.find('='))) == 0) merged.push_back(text);
  }
  for (const auto& [name, value] : additions) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

void check(int failure, const std::string& what) {
  if (failure != 0) throw std::system_error(failure, std::generic_category(), what);
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (home() / "tmp-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) check(errno, pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(std::vector<std::string> arguments, const ProcessOptions& options) {
  std::vector<std::string> environment = merged_environment(options.environment);
  std::ofstream(files_.path() / "in", std::ios::binary) << options.input;

  posix_spawn_file_actions_t actions{};
  check(posix_spawn_file_actions_init(&actions), "posix_spawn_file_actions_init");
  const std::string in = files_.path() / "in";
  const std::string out = files_.path() / "out";
  const std::string err = files_.path() / "err";
  constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in.c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), kWrite, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), kWrite, 0600);
  if (!options.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  const int failure = posix_spawnp(&pid_, arguments.at(0).c_str(), &actions, nullptr, pointers(arguments).data(),
                                   pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  check(failure, "cannot start " + arguments.at(0));
}

Process::~Process() {
  if (status_) return;
  kill(pid_, SIGKILL);
  reap(true);
}

void Process::signal(int number) const {
  // A reaped pid may belong to somebody else by now.
  if (status_) throw std::logic_error("signal to a process that has ended");
  if (kill(pid_, number) != 0) check(errno, "kill");
}

bool Process::reap(bool block) {
  if (status_) return true;
  int raw = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(pid_, &raw, block ? 0 : WNOHANG);
  } while (ended < 0 && errno == EINTR);
  if (ended < 0) check(errno, "waitpid");
  if (ended == 0) return false;
  status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  return true;
}

bool Process::running() { return !reap(false); }

ProcessResult Process::wait(std::chrono::milliseconds timeout) {
  if (!wait_until([this] { return reap(false); }, timeout)) {
    throw std::runtime_error("the process did not end in time; its standard error:\n" + err());
  }
  return {*status_, out(), err()};
}

std::string Process::out() const { return slurp(files_.path() / "out"); }

std::string Process::err() const { return slurp(files_.path() / "err"); }

ProcessResult run_process(std::vector<std::string> arguments, const ProcessOptions& options) {
  return Process(std::move(arguments), options).wait();
}

}  // namespace falsework::test
