#include "base/duration.h"

#include <doctest/doctest.h>

namespace falsework {

using std::chrono::milliseconds;

TEST_SUITE_BEGIN("base/duration");

TEST_CASE("a duration is a whole number with a unit") {
  CHECK(parse_duration("250ms") == milliseconds(250));
  CHECK(parse_duration("5s") == milliseconds(5'000));
  CHECK(parse_duration("3m") == milliseconds(180'000));
  CHECK(parse_duration("2h") == milliseconds(7'200'000));
  CHECK(parse_duration("7d") == milliseconds(604'800'000));
  CHECK(parse_duration("0s") == milliseconds(0));
}

TEST_CASE("anything else is refused") {
  for (const char* text : {"", "5", "s", "-5s", "+5s", "5 s", " 5s", "5s ", "1.5h", "5S", "1h30m", "5sec",
                           "99999999999999999999s", "9223372036854775807d"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("rendering takes the largest unit that keeps the value exact, and parses back") {
  struct Case {
    std::int64_t given;
    std::string expected;
  };
  const Case cases[] = {{0, "0s"},       {1, "1ms"},        {999, "999ms"},     {1'500, "1500ms"},
                        {90'000, "90s"}, {7'200'000, "2h"}, {86'400'000, "1d"}, {5'400'000, "90m"}};
  for (const Case& c : cases) {
    CAPTURE(c.given);
    CHECK(render_duration(milliseconds(c.given)) == c.expected);
    CHECK(parse_duration(c.expected) == milliseconds(c.given));
  }
}

TEST_CASE("people see two units at most") {
  struct Case {
    std::int64_t given;
    std::string expected;
  };
  const Case cases[] = {{0, "0ms"},         {120, "120ms"},    {3'456, "3.4s"},       {12'900, "12s"},
                        {60'000, "1m"},     {61'000, "1m 1s"}, {4'320'000, "1h 12m"}, {90'061'000, "1d 1h"},
                        {86'400'000, "1d"}, {-3'456, "-3.4s"}};
  for (const Case& c : cases) {
    CAPTURE(c.given);
    CHECK(humanize(milliseconds(c.given)) == c.expected);
  }
}

TEST_SUITE_END();

}  // namespace falsework
