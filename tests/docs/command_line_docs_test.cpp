#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/error_kinds.h"
#include "engine/cli/command.h"
#include "engine/cli/help.h"

namespace falsework {

namespace {

std::string page(const std::string& name) {
  std::ifstream stream(std::string(FALSEWORK_SOURCE) + "/docs/reference/" + name);
  REQUIRE(stream.good());
  return {std::istreambuf_iterator<char>(stream), {}};
}

// From the heading to the next one of the same level.
std::string section(const std::string& text, const std::string& heading) {
  const std::size_t begin = text.find("\n## " + heading + "\n");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find("\n## ", begin + 1) - begin);
}

std::string in_code(std::string_view text) { return "`" + std::string(text) + "`"; }

std::string_view trimmed(std::string_view text) { return text.substr(text.find_first_not_of(' ')); }

void check_options(const std::string& text, const std::vector<cli::Option>& options) {
  for (const cli::Option& option : options) {
    const std::string shown = in_code(trimmed(cli::render_option(option)));
    CAPTURE(shown);
    CHECK(text.find(shown) != std::string::npos);
  }
}

}  // namespace

TEST_SUITE("docs/reference/command-line.md") {
  TEST_CASE("every command has its section, with its usage and each of its options") {
    const std::string text = page("command-line.md");
    for (const cli::Command& command : cli::commands()) {
      CAPTURE(command.name);
      const std::string part = section(text, std::string(command.name));
      REQUIRE(!part.empty());
      const std::string usage =
          "falsework " + std::string(command.name) + (command.words.empty() ? "" : " " + std::string(command.words));
      CHECK(part.find(usage) != std::string::npos);
      check_options(part, command.options);
    }
    check_options(section(text, "Every command"), cli::common_options());
  }
}

TEST_SUITE("docs/reference/errors.md") {
  TEST_CASE("every kind of error is listed with its exit code and its meaning, in the order of the source") {
    const std::string text = page("errors.md");
    std::size_t last = 0;
    REQUIRE(errors::all().size() > 30);
    for (const ErrorKind* kind : errors::all()) {
      const std::string row = "| " + in_code(kind->code) + " | " + std::to_string(static_cast<int>(kind->exit)) +
                              " | " + std::string(kind->meaning) + " |";
      CAPTURE(row);
      const std::size_t at = text.find(row);
      REQUIRE(at != std::string::npos);
      CHECK(at > last);
      last = at;
    }
  }

  TEST_CASE("every exit code is listed") {
    const std::string text = page("errors.md");
    for (const int code : {0, 1, 2, 3, 4, 5, 6, 7, 75, 130, 143}) {
      CAPTURE(code);
      CHECK(text.find("\n| " + std::to_string(code) + " | ") != std::string::npos);
    }
  }
}

}  // namespace falsework
