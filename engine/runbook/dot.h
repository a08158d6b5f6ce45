// Renders the graph of a plan in Graphviz's language, for `dot`.
#pragma once

#include <string>

#include "engine/runbook/diagram.h"

namespace falsework::runbook {

std::string render_dot(const Diagram& diagram);

}  // namespace falsework::runbook
