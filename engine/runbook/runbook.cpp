#include "engine/runbook/runbook.h"

#include "base/error.h"
#include "engine/runbook/diagram.h"
#include "engine/runbook/dot.h"
#include "engine/runbook/html.h"
#include "engine/runbook/markdown.h"
#include "engine/runbook/mermaid.h"
#include "engine/runbook/outline.h"

namespace falsework {

std::optional<RunbookFormat> parse_runbook_format(std::string_view text) {
  if (text == "md") return RunbookFormat::kMarkdown;
  if (text == "html") return RunbookFormat::kHtml;
  if (text == "mermaid") return RunbookFormat::kMermaid;
  if (text == "dot") return RunbookFormat::kDot;
  return std::nullopt;
}

std::string render_runbook(const Plan& plan, RunbookFormat format, const runbook::Known& known) {
  switch (format) {
    case RunbookFormat::kMarkdown: return runbook::render_markdown(runbook::outline(plan, known));
    case RunbookFormat::kHtml: return runbook::render_html(runbook::outline(plan, known));
    case RunbookFormat::kDot: return runbook::render_dot(runbook::diagram(plan));
    case RunbookFormat::kMermaid: return runbook::render_mermaid(runbook::diagram(plan));
  }
  FALSEWORK_CHECK(false);
}

}  // namespace falsework
