#include "engine/cli/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "base/log.h"
#include "base/redact.h"
#include "base/suggest.h"
#include "engine/cli/help.h"
#include "engine/cli/invocation.h"

namespace falsework::cli {

namespace {

constexpr std::string_view kSeeHelp = "See: falsework --help.";

struct Chosen {
  const Command* command = nullptr;
  std::size_t words = 0;  // that name it
};

Chosen find_command(const std::vector<std::string>& arguments) {
  Chosen chosen;
  for (const Command& command : commands()) {
    const std::size_t words = 1 + static_cast<std::size_t>(std::count(command.name.begin(), command.name.end(), ' '));
    if (words > arguments.size() || words <= chosen.words) continue;
    if (fmt::format("{}", fmt::join(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(words), " ")) ==
        command.name) {
      chosen = {&command, words};
    }
  }
  return chosen;
}

[[noreturn]] void refuse_unknown_command(const std::vector<std::string>& arguments) {
  if (arguments.front().substr(0, 1) == "-") {
    throw Error(errors::kUsage, fmt::format("{} stands where the command should be", arguments.front()),
                "Write the command first, as in: falsework status --json.");
  }
  std::vector<std::string> known;
  for (const Command& command : commands()) known.emplace_back(command.name);
  std::optional<std::string> near = nearest(arguments.front(), known);
  for (const std::string& name : known) {
    if (!near && name.rfind(arguments.front() + " ", 0) == 0) near = name;
  }
  throw Error(errors::kUsage, fmt::format("there is no command {}", arguments.front()),
              near ? fmt::format("Did you mean \"{}\"?", *near) : std::string(kSeeHelp));
}

bool is_json(const std::vector<std::string>& arguments) {
  return std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
}

// The argument as the process list may show it. An option's letter sticks to its value: `-dpostgres://…`.
std::string without_password(std::string_view argument) {
  constexpr std::string_view kOption = "-d";
  if (argument.rfind(kOption, 0) == 0 && argument.size() > 2) {
    return std::string(kOption) + redact(argument.substr(kOption.size()));
  }
  return redact(argument);
}

}  // namespace

void hide_passwords(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    const std::size_t length = std::strlen(arguments[i]);
    std::string shown = without_password(arguments[i]);
    if (shown == arguments[i]) continue;
    shown.resize(length, ' ');
    std::copy(shown.begin(), shown.end(), arguments[i]);
  }
}

ExitCode run(const std::vector<std::string>& arguments) {
  const std::string first = arguments.empty() ? "" : arguments.front();
  if (first == "--version") {
    std::cout << "falsework " FALSEWORK_VERSION "\n";
    return ExitCode::kDone;
  }
  if (first == "--help" || first == "-h" || (first == "help" && arguments.size() == 1)) {
    std::cout << render_help();
    return ExitCode::kDone;
  }
  if (arguments.empty()) throw Error(errors::kUsage, "no command is given", std::string(kSeeHelp));
  std::vector<std::string> rest = arguments;
  if (first == "help") {
    rest.erase(rest.begin());
    rest.emplace_back("--help");
  }
  const Chosen chosen = find_command(rest);
  if (chosen.command == nullptr) refuse_unknown_command(rest);
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(chosen.words));
  Invocation invocation(*chosen.command, Arguments(*chosen.command, rest));
  if (invocation.arguments().has("help")) {
    std::cout << render_help(*chosen.command);
    return ExitCode::kDone;
  }
  if (invocation.arguments().has("verbose")) set_log_level(LogLevel::kDebug);
  if (invocation.arguments().has("quiet")) set_log_level(LogLevel::kWarning);
  const ExitCode code = chosen.command->run(invocation);
  invocation.console().finish();
  return code;
}

void print_error(const Error& error, const std::vector<std::string>& arguments) {
  const std::string message = redact(error.what());
  const std::string hint = redact(error.hint());
  if (is_json(arguments)) {
    nlohmann::ordered_json json;
    json["error"]["code"] = error.code();
    json["error"]["message"] = message;
    json["error"]["hint"] = hint;
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
    // Where nothing more can be written, stderr is all that is left.
    if (std::cout.good()) return;
  }
  std::cout.flush();
  std::cerr << "falsework: " << visible_lines(message) << '\n';
  if (!hint.empty()) std::cerr << "hint: " << visible_lines(hint) << '\n';
}

}  // namespace falsework::cli
