#include "base/size.h"

#include <doctest/doctest.h>

using falsework::parse_size;

TEST_SUITE("base/size") {
  TEST_CASE("a size is a number with a unit of PostgreSQL's, and nothing else") {
    CHECK(parse_size("512kB") == 524288);
    CHECK(parse_size("64MB") == 67108864);
    CHECK(parse_size("200GB") == 214748364800);
    CHECK(parse_size("2TB") == 2199023255552);
    for (const char* text :
         {"", "5", "5 GB", "GB", "-1GB", "1.5GB", "1gb", "9223372036854775807kB", "99999999999999999999GB"}) {
      CAPTURE(text);
      CHECK(!parse_size(text));
    }
  }
}
