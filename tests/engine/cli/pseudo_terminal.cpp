#include "tests/engine/cli/pseudo_terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <chrono>
#include <stdexcept>

namespace falsework::test {

namespace {

constexpr std::chrono::seconds kPatience{30};
constexpr int kPollMilliseconds = 100;

}  // namespace

PseudoTerminal::PseudoTerminal(const std::vector<std::string>& arguments, const std::filesystem::path& directory) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const winsize size{50, 120, 0, 0};
  pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::runtime_error("no pseudo-terminal");
  if (pid_ == 0) {
    if (chdir(directory.c_str()) == 0) execv(pointers[0], pointers.data());
    _exit(127);
  }
}

PseudoTerminal::~PseudoTerminal() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (terminal_ >= 0) close(terminal_);
}

// Linux answers a read from a terminal that nobody holds any more with EIO.
bool PseudoTerminal::read_more(int milliseconds) {
  pollfd waiting{terminal_, POLLIN, 0};
  if (poll(&waiting, 1, milliseconds) <= 0) return true;
  std::array<char, 4096> buffer{};
  const ssize_t count = read(terminal_, buffer.data(), buffer.size());
  if (count <= 0) return false;
  screen_.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

bool PseudoTerminal::shows(const std::string& text) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (screen_.find(text) == std::string::npos) {
    if (!read_more(kPollMilliseconds) || std::chrono::steady_clock::now() > end) break;
  }
  return screen_.find(text) != std::string::npos;
}

void PseudoTerminal::type(const std::string& text) const {
  if (write(terminal_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("cannot type");
  }
}

int PseudoTerminal::wait() {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (read_more(kPollMilliseconds)) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("the program does not end: " + screen_);
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace falsework::test
