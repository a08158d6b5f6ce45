// How a command ends when it cannot go on, and how every such end is named.
//
// One rule: code that cannot go on throws `Error` with one of the kinds of base/error_kinds.h; it is caught once, in
// main. Outcomes that a caller must handle (a lock timeout, a closed gate) are return values, never exceptions.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace falsework {

// The exit codes of design §10, a contract with scripts and pipelines.
enum class ExitCode : int {
  kDone = 0,
  kBug = 1,
  kInput = 2,
  kRefused = 3,
  kPlanHasWork = 4,
  kFindings = 5,
  kAtGate = 6,
  kStepFailed = 7,
  kTemporary = 75,
  kInterrupted = 130,
  kTerminated = 143,
};

// A stable dotted code, the exit code that it leads to, and what it means. All of them stand in base/error_kinds.h.
struct ErrorKind {
  std::string_view code;
  ExitCode exit;
  std::string_view meaning;
};

// `message`: lower case, names the object, no full stop. `hint`: a sentence that says what to do next; may be empty.
class Error : public std::runtime_error {
 public:
  Error(const ErrorKind& kind, const std::string& message, std::string hint = {})
      : std::runtime_error(message), kind_(&kind), hint_(std::move(hint)) {}

  const ErrorKind& kind() const noexcept { return *kind_; }
  std::string_view code() const noexcept { return kind_->code; }
  ExitCode exit() const noexcept { return kind_->exit; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  const ErrorKind* kind_;
  std::string hint_;
};

// Throws Error(internal) with file and line. For bugs only, never for user input.
[[noreturn]] void fail_check(const char* condition, const char* file, int line);

}  // namespace falsework

#define FALSEWORK_CHECK(condition)                                             \
  do {                                                                         \
    if (!(condition)) ::falsework::fail_check(#condition, __FILE__, __LINE__); \
  } while (false)
