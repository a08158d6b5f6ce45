#include "plans/bare_sql.h"

#include <doctest/doctest.h>

namespace falsework {

TEST_SUITE("plans/bare_sql") {
  TEST_CASE("quotes and comments hide what is in them, and nothing else") {
    struct Case {
      std::string given, bare;
    };
    const Case cases[] = {
        {"select 1", "SELECT 1"},
        {"a  \n\t b", "A B"},
        {"a -- b ; c\nd", "A D"},
        {"a /* b /* c */ ; */ d", "A D"},
        {"a /* never closed", "A"},
        {"a 'b ''c'' ;' d", "A D"},
        {"a 'b\\' d", "A D"},
        {"a E'b\\';' d", "A E D"},
        {"name'b\\' d", "NAME D"},
        {"a \"b;\"\"c\" d", "A D"},
        {"a $$b;$$ d", "A D"},
        {"a $x$b $$ ; $y$ $x$ d", "A D"},
        {"a $1 ; $2", "A $1 ; $2"},
        {"a$b$c;$b$", "A$B$C;"},
        {"  ;  ", ";"},
        {"", ""},
    };
    for (const Case& c : cases) {
      CAPTURE(c.given);
      CHECK(bare_sql(c.given) == c.bare);
    }
  }

  TEST_CASE("words are found whole") {
    CHECK(has_words("ADD CHECK (A) NOT VALID", "NOT VALID"));
    CHECK(has_words("NOT VALID, ADD", "NOT VALID"));
    CHECK(has_words("NOT VALIDATED NOT VALID", "NOT VALID"));
    CHECK_FALSE(has_words("NOT VALIDATED", "NOT VALID"));
    CHECK_FALSE(has_words("XNOT VALID", "NOT VALID"));
    CHECK_FALSE(has_words("", "NOT VALID"));
  }
}

}  // namespace falsework
