#include "tests/support/watcher.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves the declaration to the program

namespace falsework::test {

namespace {

// `cat` ends when the last writer of the pipe is gone, which is this process: its end is closed on exec. A postmaster
// that gets SIGQUIT ends its children; the first line of postmaster.pid is its pid, and no file means not running.
constexpr const char* kScript = R"sh(
trap '' INT TERM HUP
cat >/dev/null
for pidfile in "$1"/*/data/postmaster.pid; do
  [ -f "$pidfile" ] || continue
  pid=$(head -n 1 "$pidfile")
  kill -QUIT "$pid" 2>/dev/null || continue
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
  kill -KILL "$pid" 2>/dev/null
done
rm -rf "$1"
)sh";

}  // namespace

Watcher::Watcher(const std::filesystem::path& directory) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  pipe_ = ends[1];

  posix_spawn_file_actions_t actions{};
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  // Not the test's own output: whoever reads that would wait for the watcher as well.
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes{};
  posix_spawnattr_init(&attributes);
  // A session of its own: Ctrl-C in the terminal, or a killed process group, does not reach it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::string words[] = {"sh", "-c", kScript, "sh", directory.string()};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), words[3].data(), words[4].data(), nullptr};
  const int failure = posix_spawn(&pid_, "/bin/sh", &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[0]);
  if (failure != 0) {
    close(pipe_);
    throw std::system_error(failure, std::generic_category(), "cannot start /bin/sh");
  }
}

Watcher::~Watcher() {
  close(pipe_);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
}

}  // namespace falsework::test
