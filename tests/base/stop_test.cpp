#include "base/stop.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error_kinds.h"

namespace falsework {

namespace {

// Runs `body` in a child process and returns its wait status as a shell would.
template <typename Body>
int in_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

TEST_SUITE_BEGIN("base/stop");

TEST_CASE("a stop point throws only after a request, with the exit code of the signal") {
  set_stop_signal(0);
  CHECK_NOTHROW(stop_point("between batches"));
  struct Case {
    int signal;
    const ErrorKind* kind;
    std::string message;
  };
  const Case cases[] = {{SIGINT, &errors::kInterrupted, "stopped by SIGINT at between batches"},
                        {SIGTERM, &errors::kTerminated, "stopped by SIGTERM at between batches"}};
  for (const Case& c : cases) {
    CAPTURE(c.message);
    set_stop_signal(c.signal);
    CHECK(stop_requested());
    try {
      stop_point("between batches");
      FAIL("went on");
    } catch (const Error& error) {
      CHECK(error.code() == c.kind->code);
      CHECK(error.what() == c.message);
    }
  }
  set_stop_signal(0);
  CHECK_FALSE(stop_requested());
}

TEST_CASE("the first signal asks, the second ends the process at once") {
  CHECK(in_child([] {
          install_stop_signals();
          raise(SIGTERM);
          _exit(stop_signal() == SIGTERM ? 42 : 1);
        }) == 42);
  CHECK(in_child([] {
          install_stop_signals();
          raise(SIGTERM);
          raise(SIGINT);
          _exit(42);
        }) == 128 + SIGINT);
}

TEST_CASE("a closed pipe and a file size limit do not end the process") {
  CHECK(in_child([] {
          install_stop_signals();
          raise(SIGPIPE);
          raise(SIGXFSZ);
          _exit(stop_signal() == 0 ? 42 : 1);
        }) == 42);
}

TEST_SUITE_END();

}  // namespace falsework
