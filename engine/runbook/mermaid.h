// Renders the graph of a plan as a Mermaid flowchart, which GitHub and GitLab draw.
#pragma once

#include <string>

#include "engine/runbook/diagram.h"

namespace falsework::runbook {

std::string render_mermaid(const Diagram& diagram);

}  // namespace falsework::runbook
