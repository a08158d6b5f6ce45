// A child process of a test: started, waited for, killed.
//
// One rule: output goes to files, not pipes, so that a child never waits for a reader.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace falsework::test {

// A new directory below home(), removed with everything in it at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct ProcessOptions {
  std::map<std::string, std::string> environment;  // added to, or replacing, the test's own
  std::filesystem::path directory;                 // empty: the test's own
  std::string input;                               // standard input
};

struct ProcessResult {
  int status = 0;  // exit status, or 128 + signal as a shell reports it
  std::string out;
  std::string err;
};

class Process {
 public:
  explicit Process(std::vector<std::string> arguments, const ProcessOptions& options = {});
  // Kills the child if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  bool running();
  // Throws std::runtime_error when the child outlives `timeout`.
  ProcessResult wait(std::chrono::milliseconds timeout = std::chrono::minutes(5));
  // What it has written so far.
  std::string out() const;
  std::string err() const;

 private:
  bool reap(bool block);

  TemporaryDirectory files_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// Runs to the end; a status other than 0 is not an error here.
ProcessResult run_process(std::vector<std::string> arguments, const ProcessOptions& options = {});

}  // namespace falsework::test
