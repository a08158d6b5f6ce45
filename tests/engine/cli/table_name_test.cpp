#include "engine/cli/table_name.h"

#include <doctest/doctest.h>

#include <vector>

#include "base/error.h"

namespace falsework::cli {

TEST_SUITE("engine/cli/table_name") {
  TEST_CASE("a table is named as in SQL") {
    struct Case {
      const char* written;
      QualifiedName expected;
    };
    const std::vector<Case> cases{
        {"users", {"", "users"}},
        {"Billing.ORDERS", {"billing", "orders"}},
        {R"("Order Lines")", {"", "Order Lines"}},
        {R"(app."say ""hi"".")", {"app", R"(say "hi".)"}},
        {R"("a.b".c)", {"a.b", "c"}},
        {"GröSSe", {"", "grösse"}},
    };
    for (const Case& c : cases) {
      CAPTURE(c.written);
      CHECK(parse_table_name(c.written) == c.expected);
    }
  }

  TEST_CASE("what is no name is refused") {
    for (const char* written : {"", ".", "a.", ".a", "a.b.c", "\"a", "\"\"", "a b", "a\"b", "\"a\"b"}) {
      CAPTURE(written);
      CHECK_THROWS_AS(parse_table_name(written), Error);
    }
  }
}

}  // namespace falsework::cli
