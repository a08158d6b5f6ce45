#include "base/shell.h"

#include <doctest/doctest.h>

#include "tests/support/process.h"

namespace falsework {

TEST_SUITE("base/shell") {
  TEST_CASE("a word that the shell leaves alone stays as it is, any other is quoted") {
    struct Case {
      const char *given, *expected;
    };
    const Case cases[] = {{"2026.12", "2026.12"},
                          {"users_email-1f0c2ab4", "users_email-1f0c2ab4"},
                          {"plans/a.json", "plans/a.json"},
                          {"", "''"},
                          {"two words", "'two words'"},
                          {"it's", "'it'\\''s'"},
                          {"$HOME", "'$HOME'"},
                          {"*", "'*'"}};
    for (const Case& c : cases) {
      CAPTURE(c.given);
      CHECK(shell_word(c.given) == c.expected);
    }
  }

  TEST_CASE("a shell reads every word as it was given") {
    for (const std::string word : {"a b", "'", "\"`$(x)\\", "new\nline", "ü;&|", "-"}) {
      CAPTURE(word);
      const test::ProcessResult result = test::run_process({"/bin/sh", "-c", "printf %s " + shell_word(word)});
      CHECK(result.out == word);
    }
  }
}

}  // namespace falsework
