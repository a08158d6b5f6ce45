// What stands behind a command on the command line, read by its table of options.
//
// One rule: nothing is guessed. An unknown, abbreviated or doubled option is an error that says what is meant.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cli/command.h"

namespace falsework::cli {

class Arguments {
 public:
  // Throws Error(usage).
  Arguments(const Command& command, const std::vector<std::string>& arguments);

  bool has(std::string_view option) const;
  std::optional<std::string> value(std::string_view option) const;
  std::vector<std::string> values(std::string_view option) const;
  // As `250ms`, `5s`, `3m`. Throws Error(usage).
  std::optional<std::chrono::milliseconds> duration(std::string_view option) const;
  const std::vector<std::string>& words() const { return words_; }
  std::optional<std::string> word(std::size_t index) const;

 private:
  void check(const Command& command) const;

  std::map<std::string, std::vector<std::string>, std::less<>> options_;
  std::vector<std::string> words_;
};

}  // namespace falsework::cli
