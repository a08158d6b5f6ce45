#include "tests/faults/engine.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/error_kinds.h"
#include "base/log.h"
#include "base/stop.h"
#include "executor/executor.h"
#include "tests/examples/example.h"
#include "tests/faults/failing_file.h"

namespace falsework::test {

namespace {

constexpr std::chrono::seconds kLongest{90};

void append(const std::filesystem::path& file, const std::string& line) {
  if (file.empty()) return;
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string text = line + "\n";
  if (descriptor < 0 || write(descriptor, text.data(), text.size()) < 0) _exit(99);
  close(descriptor);
}

// Marks in the trace which step the points belong to.
class Marker final : public SilentObserver {
 public:
  explicit Marker(std::filesystem::path trace) : trace_(std::move(trace)) {}
  void step_started(const Step& step, bool) override {
    append(trace_, "@ " + std::string(name(step.kind)) + " " + step.id);
    ++marks_;
  }
  int marks() const { return marks_; }

 private:
  const std::filesystem::path trace_;
  std::atomic<int> marks_{0};
};

void go(const Plan& plan, const std::string& plan_text, const EngineOrder& order, Marker& observer) {
  const auto ledger = Ledger::open(order.ledger, true);
  SystemClock clock;
  ExecutorOptions options;
  options.connection.conninfo = order.conninfo;
  options.connection.application_name = "falsework";
  options.actor = "tester@here";
  // Writes of the ledger are counted, so none may come because time passes.
  options.progress_interval = std::chrono::hours(1);
  // On a machine that is short of time a lock may not be had for long; who waits for one says so before it is taken for
  // an engine that hangs.
  options.lock_budget = kLongest / 3;
  const auto engagement = Engagement::start(plan, plan_text, *ledger, clock, observer, options);
  if (order.way == Way::kBack) {
    engagement->rollback(RollbackRequest{});
    return;
  }
  AdvanceRequest request;
  request.releases = {"2026.12"};
  if (order.way == Way::kEnd) {
    request.target.kind = Target::Kind::kEnd;
    request.releases.insert("2027.01");
    request.confirmed = true;
  }
  engagement->advance(request);
  if (order.way == Way::kEnd && engagement->state().state != RunPhaseState::kDone) {
    throw std::runtime_error("the run was brought to its end and is not there");
  }
}

[[noreturn]] void be_engine(const Plan& plan, const std::string& plan_text, const EngineOrder& order,
                            const std::filesystem::path& report) {
  const auto set = [](const char* variable, const std::string& value) { setenv(variable, value.c_str(), 1); };
  set("FALSEWORK_TEST_HOOKS", "1");
  set("FALSEWORK_FAIL", order.fail);
  set("FALSEWORK_FAIL_TRACE", order.trace.string());
  set_log_level(LogLevel::kError);
  install_stop_signals();
  set_stop_signal(0);
  Marker marker(order.trace);
  const auto counts = [&] {
    append(order.trace, "ledger.write");
    return order.failing_behind < 0 || marker.marks() == order.failing_behind;
  };
  watch_files(counts, order.failing_write, order.failing_for_good);
  int status = 0;
  std::string said;
  try {
    go(plan, plan_text, order, marker);
  } catch (const Error& error) {
    status = static_cast<int>(error.exit());
    said = std::string(error.code()) + "\n" + error.what();
  } catch (const std::exception& error) {
    status = 1;
    said = std::string("exception\n") + error.what();
  }
  std::ofstream(report) << said;
  _exit(status);
}

}  // namespace

const char* name(Way way) {
  switch (way) {
    case Way::kEnd: return "end";
    case Way::kGate: return "gate";
    case Way::kBack: return "back";
  }
  return "";
}

Engine::Engine(const Plan& plan, const std::string& plan_text, const EngineOrder& order,
               const std::filesystem::path& report)
    : report_(report) {
  std::filesystem::remove(report_);
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) be_engine(plan, plan_text, order, report_);
}

Engine::~Engine() {
  if (status_) return;
  kill(pid_, SIGKILL);
  kill(pid_, SIGCONT);
  waitpid(pid_, nullptr, 0);
}

bool Engine::reap(int options) {
  if (status_) return true;
  int status = 0;
  const pid_t found = waitpid(pid_, &status, options);
  if (found != pid_) return false;
  stopped_ = WIFSTOPPED(status);
  if (WIFEXITED(status)) status_ = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) status_ = 128 + WTERMSIG(status);
  return status_ || stopped_;
}

bool Engine::wait_stopped() {
  const auto end = std::chrono::steady_clock::now() + kLongest;
  while (!reap(WNOHANG | WUNTRACED)) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return stopped_ && !status_;
}

void Engine::resume() const { kill(pid_, SIGCONT); }

bool Engine::running() { return !reap(WNOHANG); }

EngineEnd Engine::wait() {
  const auto end = std::chrono::steady_clock::now() + kLongest;
  while (!status_ && std::chrono::steady_clock::now() < end) {
    if (!reap(WNOHANG) || !status_) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (!status_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    status_ = 0;
    return {-1, "hang", "the engine did not end in time"};
  }
  EngineEnd result;
  result.status = *status_;
  std::ifstream report(report_);
  std::getline(report, result.code);
  std::getline(report, result.message);
  return result;
}

}  // namespace falsework::test
