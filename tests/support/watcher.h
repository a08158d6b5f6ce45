// A process that outlives the tests by a moment, and clears away what they leave.
//
// One rule: it does its work whenever the test process ends: by return, by a signal, by kill -9.
#pragma once

#include <sys/types.h>

#include <filesystem>

namespace falsework::test {

class Watcher {
 public:
  // Watches `directory`: at the end, every server whose data directory lies at */data below it is killed by its pid,
  // and the directory is removed.
  explicit Watcher(const std::filesystem::path& directory);
  // Waits until all is cleared.
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  int pipe_ = -1;
  pid_t pid_ = -1;
};

}  // namespace falsework::test
