#include "base/error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "base/error_kinds.h"
#include "base/file.h"

namespace falsework {

TEST_SUITE_BEGIN("base/error");

TEST_CASE("an error carries its code, exit code, message and hint") {
  const Error error(errors::kPlanStale, "orders has changed", "Plan again.");
  CHECK(error.code() == "plan.stale");
  CHECK(error.exit() == ExitCode::kRefused);
  CHECK(std::string(error.what()) == "orders has changed");
  CHECK(error.hint() == "Plan again.");
}

TEST_CASE("a failed check is a bug and names its condition, file and line") {
  try {
    FALSEWORK_CHECK(1 + 1 == 3);
    FAIL("passed");
  } catch (const Error& error) {
    CHECK(error.code() == "internal");
    CHECK(error.exit() == ExitCode::kBug);
    CHECK(std::string(error.what()).find("1 + 1 == 3") != std::string::npos);
    CHECK(std::string(error.what()).find("error_test.cpp:") != std::string::npos);
  }
  FALSEWORK_CHECK(true);
}

TEST_CASE("every kind is listed, once, with a code that is stable in form") {
  const std::regex form("[a-z]+(\\.[a-z_]+)?");
  std::set<std::string_view> codes;
  for (const ErrorKind* kind : errors::all()) {
    CAPTURE(kind->code);
    CHECK(std::regex_match(std::string(kind->code), form));
    CHECK(codes.insert(kind->code).second);
    CHECK_FALSE(kind->meaning.empty());
    CHECK(kind->meaning.back() != '.');
  }
  const std::string header = read_file(FALSEWORK_SOURCE "/base/error_kinds.h");
  const std::regex declaration("inline constexpr ErrorKind ");
  const auto declared = std::distance(std::sregex_iterator(header.begin(), header.end(), declaration), {});
  CHECK(errors::all().size() == static_cast<std::size_t>(declared));
}

TEST_SUITE_END();

}  // namespace falsework
