#include "base/failpoint.h"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/process.h"

namespace falsework {

namespace {

// Passes points one, two, one, two in a process of its own, since the arming is read once per process.
test::ProcessResult pass_points(const std::map<std::string, std::string>& environment) {
  test::ProcessOptions options;
  options.environment = environment;
  options.environment["FALSEWORK_TEST_PASS"] = "1";
  return test::run_process({"/proc/self/exe", "--test-case=hidden: pass four points", "--no-skip"}, options);
}

std::string passed(const test::ProcessResult& result) {
  std::string points;
  for (std::size_t at = 0; (at = result.out.find(":passed ", at)) != std::string::npos; ++at)
    points += result.out[at + 8];
  return points;
}

}  // namespace

TEST_SUITE_BEGIN("base/failpoint");

TEST_CASE("without the hook variable nothing is armed") {
  const auto result = pass_points({{"FALSEWORK_FAIL", "one=kill"}, {"FALSEWORK_TEST_HOOKS", ""}});
  CHECK(result.status == 0);
  CHECK(passed(result) == "1234");
}

TEST_CASE("a point springs by name, by its n-th passage, or as the n-th of all") {
  struct Case {
    std::string armed;
    std::string passed;
    int status;
  };
  const Case cases[] = {
      {"one=kill", "", 128 + SIGKILL},
      {"two=kill", "1", 128 + SIGKILL},
      {"one@2=kill", "12", 128 + SIGKILL},
      {"*@4=kill", "123", 128 + SIGKILL},
      {"*@5=kill", "1234", 0},
      {"three=kill", "1234", 0},
      {"three=kill,two@2=kill", "123", 128 + SIGKILL},
      {"two=sleep:1", "1234", 0},
      {"", "1234", 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.armed);
    const auto result = pass_points({{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", c.armed}});
    CHECK(passed(result) == c.passed);
    CHECK(result.status == c.status);
  }
}

TEST_CASE("throw throws, and an entry that is not understood is refused rather than ignored") {
  for (const std::string armed :
       {"one=throw", "one", "one=explode", "one@0=kill", "one@x=kill", "=kill", "one=sleep:"}) {
    CAPTURE(armed);
    const auto result = pass_points({{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", armed}});
    CHECK(result.status != 0);
    CHECK(passed(result).empty());
    const bool thrown = result.out.find("failpoint one was told to throw") != std::string::npos;
    const bool refused = result.out.find("is not understood") != std::string::npos;
    CHECK(thrown == (armed == "one=throw"));
    CHECK(refused == (armed != "one=throw"));
  }
}

TEST_CASE("the trace names every point that is passed, in order") {
  const test::TemporaryDirectory directory;
  const auto trace = directory.path() / "trace";
  const auto result = pass_points(
      {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", "two@2=kill"}, {"FALSEWORK_FAIL_TRACE", trace.string()}});
  CHECK(result.status == 128 + SIGKILL);
  CHECK(read_file(trace) == "one\ntwo\none\ntwo\n");
}

TEST_CASE("hidden: pass four points" * doctest::skip()) {
  if (std::getenv("FALSEWORK_TEST_PASS") == nullptr) return;
  int count = 0;
  for (const char* name : {"one", "two", "one", "two"}) {
    failpoint(name);
    printf(":passed %d\n", ++count);
    fflush(stdout);
  }
}

TEST_SUITE_END();

}  // namespace falsework
