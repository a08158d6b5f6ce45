#include "engine/cli/help.h"

#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>

#include "engine/cli/command.h"
#include "tests/support/process.h"

namespace falsework::cli {

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word && word != "|";) words.push_back(word);
  return words;
}

std::set<std::string> options_of(const Command& command) {
  std::set<std::string> known;
  for (const auto* options : {&common_options(), &command.options}) {
    for (const Option& option : *options) {
      known.insert("--" + std::string(option.name));
      if (option.letter != 0) known.insert(std::string("-") + option.letter);
    }
  }
  return known;
}

}  // namespace

TEST_SUITE("engine/cli/help") {
  TEST_CASE("every command tells of itself, and the program of every command") {
    const test::ProcessResult all = test::run_process({FALSEWORK_PROGRAM, "--help"});
    CHECK(all.status == 0);
    CHECK(all.out == render_help());
    CHECK(commands().size() >= 10);
    for (const Command& command : commands()) {
      CAPTURE(command.name);
      CHECK(all.out.find(std::string(command.summary)) != std::string::npos);
      std::vector<std::string> arguments = words_of(command.name);
      arguments.insert(arguments.begin(), FALSEWORK_PROGRAM);
      arguments.emplace_back("--help");
      const test::ProcessResult one = test::run_process(arguments);
      CHECK(one.status == 0);
      CHECK(one.err.empty());
      for (const std::string& option : options_of(command)) CHECK(one.out.find(option) != std::string::npos);
      CHECK(!command.examples.empty());
      for (const std::string_view example : command.examples) CHECK(one.out.find(example) != std::string::npos);
    }
  }

  TEST_CASE("examples use the options that there are") {
    for (const Command& command : commands()) {
      const std::set<std::string> known = options_of(command);
      for (const std::string_view example : command.examples) {
        CAPTURE(example);
        CHECK(example.find("falsework " + std::string(command.name)) == 0);
        for (const std::string& word : words_of(example)) {
          if (word.substr(0, 1) == "-") CHECK(known.count(word) == 1);
        }
      }
    }
  }

  TEST_CASE("no option of a command hides one of every command, and no letter means two things") {
    for (const Command& command : commands()) {
      CAPTURE(command.name);
      std::set<std::string_view> names;
      std::set<char> letters;
      for (const auto* options : {&common_options(), &command.options}) {
        for (const Option& option : *options) {
          CAPTURE(option.name);
          CHECK(names.insert(option.name).second);
          if (option.letter != 0) CHECK(letters.insert(option.letter).second);
        }
      }
    }
  }

  TEST_CASE("--version tells the version") {
    CHECK(test::run_process({FALSEWORK_PROGRAM, "--version"}).out == "falsework " FALSEWORK_VERSION "\n");
  }
}

}  // namespace falsework::cli
