#include "base/log.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <regex>

#include "tests/support/process.h"

namespace falsework {

TEST_SUITE_BEGIN("base/log");

TEST_CASE("lines below the threshold are dropped, the others go to stderr, stamped and without passwords") {
  test::ProcessOptions options;
  options.environment["FALSEWORK_TEST_LOG"] = "1";
  const auto result =
      test::run_process({"/proc/self/exe", "--test-case=hidden: write to the log", "--no-skip"}, options);
  CHECK(result.status == 0);
  const std::regex line(R"(^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info: to postgres://u:\*\*\*@h \{\}$)",
                        std::regex::multiline);
  CHECK(std::regex_search(result.err, line));
  CHECK(result.err.find("hidden detail") == std::string::npos);
  CHECK(result.err.find("now visible") != std::string::npos);
  CHECK(result.err.find("silenced") == std::string::npos);
  CHECK(result.err.find("s3cret") == std::string::npos);
  CHECK(result.out.find("postgres://") == std::string::npos);
}

TEST_CASE("hidden: write to the log" * doctest::skip()) {
  if (std::getenv("FALSEWORK_TEST_LOG") == nullptr) return;
  log_info("to postgres://u:s3cret@h {}");
  log_debug("hidden detail");
  set_log_level(LogLevel::kDebug);
  log_debug("now visible");
  set_log_level(LogLevel::kOff);
  log_error("silenced");
  log(LogLevel::kOff, "silenced");
}

TEST_SUITE_END();

}  // namespace falsework
