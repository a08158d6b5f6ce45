#include "base/failpoint.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error_kinds.h"

namespace falsework {

namespace {

struct Trap {
  std::string name;          // `*` stands for any name
  std::uint64_t occurrence;  // 0: every one
  std::string action;
};

struct Arming {
  std::vector<Trap> traps;
  std::string trace;
  std::map<std::string, std::uint64_t, std::less<>> passed;
  std::uint64_t passed_in_all = 0;
  std::mutex mutex;
};

[[noreturn]] void refuse(std::string_view entry) {
  throw Error(errors::kUsage, fmt::format("FALSEWORK_FAIL: {} is not understood", entry),
              "Write name[@n]=action, where action is kill, term, stop, throw or sleep:MS.");
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (failure != std::errc{} || rest != end) return std::nullopt;
  return value;
}

bool is_action(std::string_view action) {
  if (action == "kill" || action == "term" || action == "stop" || action == "throw") return true;
  constexpr std::string_view kSleep = "sleep:";
  return action.substr(0, kSleep.size()) == kSleep && parse_count(action.substr(kSleep.size())).has_value();
}

Trap parse_trap(std::string_view entry) {
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos || equals == 0) refuse(entry);
  std::string_view name = entry.substr(0, equals);
  const std::string_view action = entry.substr(equals + 1);
  std::uint64_t occurrence = 0;
  if (const std::size_t at = name.find('@'); at != std::string_view::npos) {
    const auto count = parse_count(name.substr(at + 1));
    if (!count || *count == 0) refuse(entry);
    occurrence = *count;
    name = name.substr(0, at);
  }
  if (name.empty() || !is_action(action)) refuse(entry);
  return {std::string(name), occurrence, std::string(action)};
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

Arming* read_arming() {
  if (environment("FALSEWORK_TEST_HOOKS") != "1") return nullptr;
  auto made = std::make_unique<Arming>();
  made->trace = environment("FALSEWORK_FAIL_TRACE");
  std::string_view list = environment("FALSEWORK_FAIL");
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    made->traps.push_back(parse_trap(list.substr(0, comma)));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
  // Never freed: worker threads may pass a point while the process ends.
  return made.release();
}

void trace(const std::string& file, std::string_view name) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const std::string line = fmt::format("{}\n", name);
  const bool written =
      descriptor >= 0 && write(descriptor, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (descriptor >= 0) close(descriptor);
  if (!written) throw Error(errors::kFileUnwritable, fmt::format("cannot write {}", file), "");
}

// Counts this passage and returns the action of the trap that it springs, if any.
std::string spring(Arming& arming, std::string_view name) {
  const std::lock_guard lock(arming.mutex);
  const std::uint64_t in_all = ++arming.passed_in_all;
  const std::uint64_t of_name = ++arming.passed[std::string(name)];
  if (!arming.trace.empty()) trace(arming.trace, name);
  for (const Trap& trap : arming.traps) {
    const bool any = trap.name == "*";
    if (!any && trap.name != name) continue;
    if (trap.occurrence == 0 || trap.occurrence == (any ? in_all : of_name)) return trap.action;
  }
  return {};
}

}  // namespace

void failpoint(std::string_view name) {
  static Arming* const arming = read_arming();
  if (arming == nullptr) return;
  const std::string action = spring(*arming, name);
  if (action.empty()) return;
  if (action == "kill") {
    // The kernel ends the process before the call returns to user space.
    kill(getpid(), SIGKILL);
  } else if (action == "term") {
    kill(getpid(), SIGTERM);
  } else if (action == "stop") {
    // Until somebody sends SIGCONT: what happens meanwhile happens exactly here.
    kill(getpid(), SIGSTOP);
  } else if (action == "throw") {
    throw Error(errors::kInternal, fmt::format("failpoint {} was told to throw", name), "");
  } else {
    std::this_thread::sleep_for(std::chrono::milliseconds(*parse_count(action.substr(action.find(':') + 1))));
  }
}

}  // namespace falsework
