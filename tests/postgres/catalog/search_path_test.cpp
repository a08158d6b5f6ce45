#include "postgres/catalog/search_path.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using falsework::pg::parse_search_path;

TEST_SUITE("postgres/catalog/search_path") {
  TEST_CASE("a search_path is split as the server splits it") {
    struct Case {
      std::string given;
      std::vector<std::string> expected;
    };
    const std::vector<Case> cases = {
        {"", {}},
        {"\"\"", {}},
        {"public", {"public"}},
        {"\"$user\", public", {"$user", "public"}},
        {"App,  Public ", {"app", "public"}},
        {"\"App\",\"a, b\",\"say \"\"hi\"\"\"", {"App", "a, b", "say \"hi\""}},
        {"größe", {"größe"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.given);
      CHECK(parse_search_path(c.given) == c.expected);
    }
  }
}
