#include "base/suggest.h"

#include <doctest/doctest.h>

namespace falsework {
namespace {

TEST_SUITE("base/suggest") {
  TEST_CASE("a slip of the fingers leads to the word that was meant, and another word to none") {
    const std::vector<std::string> known{"table", "from", "to", "rename_column", "set null"};
    struct Case {
      std::string word;
      std::optional<std::string> expected;
    };
    const std::vector<Case> cases{
        {"form", "from"},
        {"fro", "from"},
        {"tabel", "table"},
        {"TABLE", "table"},
        {"rename-column", "rename_column"},
        {"renamecolunm", "rename_column"},
        {"SET NULL", "set null"},
        {"tabletop", std::nullopt},
        {"x", std::nullopt},
        {"", std::nullopt},
        {"fill", std::nullopt},
    };
    for (const Case& c : cases) {
      CAPTURE(c.word);
      CHECK(nearest(c.word, known) == c.expected);
    }
  }

  TEST_CASE("of two words that are equally near, the first is named") {
    CHECK(nearest("cat", {"bat", "hat"}) == "bat");
    CHECK(nearest("cat", {"hat", "bat"}) == "hat");
  }

  TEST_CASE("a word of any length is answered at once") {
    CHECK(nearest(std::string(1000000, 'a'), {"table"}) == std::nullopt);
  }
}

}  // namespace
}  // namespace falsework
