#include "engine/runbook/mermaid.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/runbook/runbook.h"
#include "tests/plans/sample_plan.h"

namespace falsework {

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_SUITE("engine/runbook/mermaid") {
  TEST_CASE("the graph has a box for each phase, a node for each step and an edge for each need") {
    const Plan plan = testing::sample_plan();
    const std::string text = render_runbook(plan, RunbookFormat::kMermaid);
    CHECK(text.rfind("flowchart TD\n", 0) == 0);
    CHECK(holds(text, "  subgraph p1[\"expand\"]\n    s1(\"1: find rows whose email cannot be carried\")\n  end\n"));
    CHECK(holds(text, "    s3[(\"3: copy email to email_address\")]\n"));
    CHECK(holds(text, "    s4[[\"4: build the index of email for email_address\"]]\n"));
    CHECK(holds(text, "    s6{{\"6: wait for switch\"}}\n"));
    CHECK(holds(text, "    s7>\"7: deploy release 2026.12\"]\n"));
    CHECK(holds(text, "    s9[\"9: drop users.email\"]\n"));
    for (int step = 1; step < 9; ++step) {
      CHECK(holds(text, "  s" + std::to_string(step) + " --> s" + std::to_string(step + 1) + "\n"));
    }
    CHECK(holds(text, "  class s6,s8 gate\n"));
    CHECK(holds(text, "  class s9 irreversible\n"));
    CHECK(holds(render_runbook(plan, RunbookFormat::kMarkdown), "\n```mermaid\n" + text + "```\n"));
  }

  TEST_CASE("an edge that others imply is not drawn") {
    Plan plan = testing::sample_plan();
    plan.steps[3].needs = {plan.steps[0].id, plan.steps[2].id, plan.steps[1].id, plan.steps[2].id};
    const runbook::Diagram diagram = runbook::diagram(plan);
    CHECK(std::count_if(diagram.edges.begin(), diagram.edges.end(), [](const auto& edge) { return edge.to == 4; }) ==
          1);
    CHECK(std::count(diagram.edges.begin(), diagram.edges.end(), runbook::Diagram::Edge{3, 4}) == 1);
  }

  TEST_CASE("a label cannot end itself, open markup or close the fence around the graph") {
    Plan plan = testing::sample_plan();
    plan.steps[0].title = "a\"]; b #quot; <i> & `x` *y* _z_ a_b \\\n```\nend";
    const std::string text = render_runbook(plan, RunbookFormat::kMermaid);
    CHECK(holds(text,
                "    s1(\"1: a#34;]#59; b #35;quot#59; #60;i#62; #38; #96;x#96; #42;y#42; #95;z#95; a_b #92; "
                "#96;#96;#96; end\")\n"));
  }
}

}  // namespace falsework
