// The document that a reviewer reads before anything runs, made from the plan and nothing else.
//
// One rule: equal plans give equal bytes. What the document says is decided in outline.h; how it looks, in one file per
// format.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plans/plan.h"

namespace falsework {

enum class RunbookFormat { kMarkdown, kMermaid };
std::optional<RunbookFormat> parse_runbook_format(std::string_view text);  // md, mermaid

// Renders the whole document (md), or the graph of its steps alone (mermaid).
std::string render_runbook(const Plan& plan, RunbookFormat format);

}  // namespace falsework
