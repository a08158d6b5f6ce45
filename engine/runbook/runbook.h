// The document that a reviewer reads before anything runs, made from the plan; and what happened, where a run is given.
//
// One rule: equal plans give equal bytes. What the document says is decided in outline.h; how it looks, in one file per
// format.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/runbook/outline.h"
#include "plans/plan.h"

namespace falsework {

enum class RunbookFormat { kMarkdown, kHtml, kMermaid, kDot };
std::optional<RunbookFormat> parse_runbook_format(std::string_view text);  // md, html, mermaid, dot

// Renders the whole document (md, html), or the graph of its steps alone (mermaid, dot).
std::string render_runbook(const Plan& plan, RunbookFormat format, const runbook::Known& known = {});

}  // namespace falsework
