#include "engine/cli/console.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>

#include "base/error_kinds.h"
#include "base/redact.h"
#include "base/stop.h"
#include "engine/runbook/visible.h"

namespace falsework::cli {

namespace {

constexpr int kUsualWidth = 80;
constexpr int kLookMilliseconds = 100;

// Characters, not bytes: continuation bytes of UTF-8 take no place.
std::size_t places(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string visible_lines(std::string_view text) {
  std::string shown;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (begin > 0) shown += '\n';
    shown += runbook::make_visible(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return shown;
}

void Console::document(std::string_view text) { std::cout << text; }

void Console::line(std::string_view text) {
  if (json_) return note(text);
  std::cout << visible_lines(text) << '\n';
}

void Console::note(std::string_view text) { std::cerr << redact(visible_lines(text)) << '\n'; }

void Console::table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], places(row[i]));
  }
  for (const auto& row : rows) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += "  ";
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - places(row[i]), ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    line(text);
  }
}

bool Console::can_ask() { return isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1; }

bool Console::overprints() { return isatty(STDERR_FILENO) == 1; }

int Console::width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kUsualWidth;
}

std::string Console::ask(std::string_view question) {
  std::cerr << visible_lines(question) << ' ' << std::flush;
  // Not through std::cin, which would begin the read anew after a signal.
  std::string answer;
  for (char c = 0; c != '\n' && !stop_requested();) {
    // A signal that comes between the look at it and the read would not wake a read; so the wait is cut into slices.
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, kLookMilliseconds) <= 0) continue;
    const ssize_t count = read(STDIN_FILENO, &c, 1);
    if (count < 0 && errno == EINTR && !stop_requested()) continue;
    if (count <= 0) break;
    if (c != '\n') answer += c;
  }
  stop_point("a question");
  return answer;
}

bool Console::is_read() {
  struct stat kind {};
  if (fstat(STDOUT_FILENO, &kind) != 0 || (!S_ISFIFO(kind.st_mode) && !S_ISSOCK(kind.st_mode))) return true;
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return poll(&output, 1, 0) <= 0 || (output.revents & (POLLERR | POLLHUP)) == 0;
}

void Console::finish() {
  std::cout.flush();
  if (std::cout.good() && std::fflush(stdout) == 0) return;
  if (!is_read()) return;
  throw Error(errors::kFileUnwritable, "cannot write standard output",
              "Check where it leads: the command itself did its work.");
}

}  // namespace falsework::cli
