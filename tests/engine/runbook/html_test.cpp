#include "engine/runbook/html.h"

#include <doctest/doctest.h>

#include <regex>

#include "base/hash.h"
#include "engine/runbook/dot.h"
#include "engine/runbook/runbook.h"
#include "tests/plans/sample_plan.h"

namespace falsework {

namespace {

// All that could end an element, an attribute, a script, a comment or a string; an entity; controls and directions.
const char* const kEvil =
    "</code></pre></title></style></script><script>alert(1)</script><img src=x onerror=alert(2)>\" onload=\"alert(3)' "
    "--> ]]> &lt;b&gt; \\N \\\" \xE2\x80\xAE\x01 javascript:alert(4)";

Plan evil_plan() {
  Plan plan = testing::sample_plan();
  plan.name = plan.database = plan.system_identifier = plan.engine_version = kEvil;
  plan.releases = {{kEvil, kEvil}};
  for (PlannedChange& change : plan.changes) {
    change.kind = change.summary = change.relation = change.strategy = change.reason = change.naive_sql = kEvil;
    change.warnings = {kEvil};
    for (pg::TakenLock& lock : change.naive_locks) lock.relation = kEvil;
  }
  for (Step& step : plan.steps) {
    step.title = step.why = step.undo_note = step.done_when = kEvil;
    step.sql = {kEvil};
    if (step.undo) step.undo = {{kEvil}};
    for (pg::TakenLock& lock : step.locks) lock.relation = kEvil;
    for (pg::TakenLock& lock : step.undo_locks) lock.relation = kEvil;
    if (step.gate) step.gate->name = step.gate->conditions[0].release = kEvil;
    if (step.check) step.check->message = step.check->hint = step.check->relation = kEvil;
    if (step.copy) step.copy->relation = step.copy->statement = step.copy->remaining = kEvil;
    if (step.probe) step.probe->query = step.probe->cleanup = kEvil;
  }
  return plan;
}

std::string html(const Plan& plan) { return render_runbook(plan, RunbookFormat::kHtml); }

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The elements and attributes of a page, without what stands in them.
std::string skeleton(const std::string& page) {
  std::string result;
  static const std::regex kTag("<(/?[a-zA-Z!][^\\s>]*)((?:\\s+[a-zA-Z:-]+(?:=\"[^\"]*\")?)*)\\s*/?>");
  for (std::sregex_iterator tag(page.begin(), page.end(), kTag), none; tag != none; ++tag) {
    result += (*tag)[1].str();
    const std::string attributes = (*tag)[2];
    static const std::regex kName("([a-zA-Z:-]+)(?:=\"[^\"]*\")?");
    for (std::sregex_iterator name(attributes.begin(), attributes.end(), kName); name != none; ++name) {
      result += " " + (*name)[1].str();
    }
    result += "\n";
  }
  return result;
}

std::string element(const std::string& page, const std::string& name) {
  const std::size_t begin = page.find("<" + name + ">") + name.size() + 2;
  return page.substr(begin, page.find("</" + name + ">") - begin);
}

}  // namespace

TEST_SUITE("engine/runbook/html") {
  TEST_CASE("no text of a plan becomes markup") {
    const std::string page = html(evil_plan());
    // What the renderer writes, and no other element or attribute.
    for (const std::string evil : {"<img", "<b>", "onerror=alert(2)>", "<script>alert"}) CHECK_FALSE(holds(page, evil));
    std::string elements = skeleton(page);
    for (const char* const never :
         {"\nimg", "\niframe", "\nobject", "\nform", " onload", " onerror", " onclick", " style"}) {
      CAPTURE(never);
      CHECK_FALSE(holds(elements, never));
    }
    std::size_t scripts = 0;
    for (std::size_t at = page.find("<script"); at != std::string::npos; at = page.find("<script", at + 1)) ++scripts;
    CHECK(scripts == 1);
    CHECK(holds(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
  }

  TEST_CASE("characters that cannot be seen are shown in names, and SQL is kept to the letter") {
    const std::string page = html(evil_plan());
    CHECK(holds(page, "&lt;U+202E&gt;&lt;U+0001&gt;"));
    CHECK(holds(page, "\\N \\&quot; \xE2\x80\xAE\x01 javascript"));
    CHECK(holds(page, "This SQL holds characters that cannot be seen"));
  }

  TEST_CASE("a page names the digests of its own style and script, and allows nothing else") {
    const std::string page = html(testing::sample_plan());
    CHECK(holds(page, "content=\"default-src 'none'; style-src 'sha256-"));
    CHECK_FALSE(holds(page, "unsafe-inline"));
    // What the policy says in base64, compared as hexadecimal digits.
    const auto named = [&](const std::string& directive) {
      constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const std::size_t begin = page.find(directive + " 'sha256-") + directive.size() + 9;
      std::string bits, hex;
      for (const char c : page.substr(begin, 43)) {
        for (int bit = 5; bit >= 0; --bit) bits += (kDigits.find(c) >> bit) & 1U ? '1' : '0';
      }
      for (std::size_t i = 0; i < 256; i += 4) hex += "0123456789abcdef"[std::stoul(bits.substr(i, 4), nullptr, 2)];
      return hex;
    };
    CHECK(named("style-src") == sha256(element(page, "style")));
    CHECK(named("script-src") == sha256(element(page, "script")));
  }

  TEST_CASE("a page holds no address to ask for") {
    const std::string page = html(testing::sample_plan());
    static const std::regex kAddress("(src|href)=\"([^\"]*)\"");
    for (std::sregex_iterator found(page.begin(), page.end(), kAddress), none; found != none; ++found) {
      const std::string to = (*found)[2];
      CAPTURE(to);
      CHECK((to[0] == '#' || to == "data:,"));
    }
    CHECK_FALSE(holds(page, "@import"));
    CHECK_FALSE(holds(page, "url("));
  }

  TEST_CASE("steps, phases and nodes of the graph can be linked to") {
    const std::string page = html(testing::sample_plan());
    for (const char* const anchor : {"step-1", "step-9", "phase-dual_write", "phase-contract", "sign-off"}) {
      CAPTURE(anchor);
      CHECK(holds(page, std::string(" id=\"") + anchor + "\""));
    }
    CHECK(holds(page, "<a class=\"node statement irreversible\" href=\"#step-9\">"));
    CHECK(holds(page, "<details class=\"step\" id=\"step-3\" open>"));
  }

  TEST_CASE("a plan without anything still has a page") {
    Plan plan;
    plan.name = "empty";
    CHECK(holds(html(plan), "<title>Runbook: empty</title>"));
  }

  TEST_CASE("the picture is the same however long or strange the names are") {
    Plan plan = testing::sample_plan();
    plan.steps[0].title = std::string(300, 'x') + " \xE8\xA1\xA8 <&>";
    CHECK(html(plan) == html(plan));
    CHECK(holds(html(plan), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx </tspan>"));
  }
}

TEST_SUITE("engine/runbook/dot") {
  TEST_CASE("the graph in Graphviz' language has the phases, the steps and the edges") {
    const std::string text = render_runbook(testing::sample_plan(), RunbookFormat::kDot);
    CHECK(text.rfind("digraph plan {\n", 0) == 0);
    CHECK(holds(text, "  subgraph cluster_1 {\n    label=\"expand\";\n"));
    CHECK(holds(text, "    s3 [label=\"3: copy email to email_address\", shape=cylinder];\n"));
    CHECK(holds(text, "    s9 [label=\"9: drop users.email\", shape=box, color=\"#cf222e\", penwidth=3];\n"));
    CHECK(holds(text, "  s1 -> s2;\n"));
    CHECK(holds(text, "  s8 -> s9;\n}\n"));
  }

  TEST_CASE("a label cannot end itself, and its backslashes and entities stay text") {
    Plan plan = testing::sample_plan();
    plan.steps[0].title = "a\"]; b \\N \\\" &amp; <i>\nc";
    CHECK(holds(render_runbook(plan, RunbookFormat::kDot),
                "    s1 [label=\"1: a\\\"]; b \\\\N \\\\\\\" &amp;amp; <i> c\", shape=box, style=rounded];\n"));
  }
}

}  // namespace falsework
