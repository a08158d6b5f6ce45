#include "base/hash.h"

#include <doctest/doctest.h>

#include <regex>

namespace falsework {

TEST_SUITE_BEGIN("base/hash");

TEST_CASE("sha256 gives the digests of FIPS 180-4") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(std::string_view("a\0b", 3)) != sha256("a"));
}

TEST_CASE("a random identifier has the form of a version 4 UUID and is never the same twice") {
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::string first = random_uuid();
  CHECK(std::regex_match(first, form));
  CHECK(first != random_uuid());
}

TEST_SUITE_END();

}  // namespace falsework
