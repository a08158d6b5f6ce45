// Renders an outline as Markdown that looks right on GitHub and GitLab (GFM, alerts, Mermaid).
#pragma once

#include <string>

#include "engine/runbook/outline.h"

namespace falsework::runbook {

std::string render_markdown(const Outline& outline);

}  // namespace falsework::runbook
