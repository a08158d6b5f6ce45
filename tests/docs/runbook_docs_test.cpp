#include <doctest/doctest.h>

#include <sstream>

#include "base/file.h"
#include "engine/runbook/runbook.h"
#include "tests/plans/sample_plan.h"

namespace falsework {

TEST_SUITE("docs/reference/runbook") {
  TEST_CASE("every section of a runbook stands in its reference") {
    const std::string page = read_file(std::string(FALSEWORK_SOURCE) + "/docs/reference/runbook.md");
    std::istringstream runbook(render_runbook(testing::sample_plan(), RunbookFormat::kMarkdown));
    int sections = 0;
    for (std::string line; std::getline(runbook, line);) {
      if (line.rfind("## ", 0) != 0) continue;
      CAPTURE(line);
      CHECK(page.find(line.substr(3)) != std::string::npos);
      ++sections;
    }
    CHECK(sections >= 11);
  }

  TEST_CASE("every format stands in the reference") {
    const std::string page = read_file(std::string(FALSEWORK_SOURCE) + "/docs/reference/runbook.md");
    for (const char* const format : {"md", "html", "mermaid", "dot"}) {
      CHECK(parse_runbook_format(format).has_value());
      CHECK(page.find(std::string("| `") + format) != std::string::npos);
    }
  }
}

}  // namespace falsework
