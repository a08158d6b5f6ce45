// An engine in a forked child: the same code as the program's, without the cost of starting one.
//
// One rule: the parent must never pass a failpoint, for the arming is read once, by the child.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "plans/plan.h"

namespace falsework::test {

// Where an engine is to go.
enum class Way { kEnd, kGate, kBack };
const char* name(Way way);

struct EngineOrder {
  Way way = Way::kEnd;
  std::string conninfo;
  std::filesystem::path ledger;
  std::string fail;               // FALSEWORK_FAIL
  std::filesystem::path trace;    // FALSEWORK_FAIL_TRACE; also told of steps (`@ kind id`) and of writes of the ledger
  int failing_write = 0;          // the n-th write of the ledger fails; 0: none
  int failing_behind = -1;        // … counted behind so many marks of steps, up to the next; -1: from the beginning
  bool failing_for_good = false;  // … and every later one
};

struct EngineEnd {
  int status = 0;    // exit code, or 128 + signal
  std::string code;  // of the Error that ended it
  std::string message;
};

class Engine {
 public:
  Engine(const Plan& plan, const std::string& plan_text, const EngineOrder& order, const std::filesystem::path& report);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Waits until it ends or stops itself (failpoint action `stop`); true when it has stopped.
  bool wait_stopped();
  void resume() const;
  bool running();
  EngineEnd wait();

 private:
  bool reap(int options);

  const std::filesystem::path report_;
  pid_t pid_ = -1;
  bool stopped_ = false;
  std::optional<int> status_;
};

}  // namespace falsework::test
