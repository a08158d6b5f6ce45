#include "base/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>

#include "base/error_kinds.h"

namespace falsework {

namespace {

std::atomic<int> requested{0};
static_assert(std::atomic<int>::is_always_lock_free, "the handler may touch nothing else");

void on_signal(int signal) {
  int none = 0;
  // 128 + signal is what a shell would report; _exit, because nothing else is safe in a handler.
  if (!requested.compare_exchange_strong(none, signal)) _exit(128 + signal);
}

}  // namespace

void install_stop_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  // No SA_RESTART: a blocking wait ends early and its caller looks at stop_requested().
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A closed pipe or a file size limit is an error of the write that meets it, not an end of the process.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);
}

int stop_signal() noexcept { return requested.load(); }

void set_stop_signal(int signal) noexcept { requested.store(signal); }

void stop_point(const char* where) {
  const int signal = stop_signal();
  if (signal == 0) return;
  const bool interrupt = signal == SIGINT;
  throw Error(interrupt ? errors::kInterrupted : errors::kTerminated,
              std::string("stopped by ") + (interrupt ? "SIGINT" : "SIGTERM") + " at " + where,
              "Nothing is lost: run the same command again to go on.");
}

}  // namespace falsework
