// Renders an outline as one HTML file that needs nothing else: style, script and picture stand in it.
//
// One rule: a content security policy names the digests of its own style and script, so that nothing that text could
// smuggle in would run or be fetched.
#pragma once

#include <string>

#include "engine/runbook/outline.h"

namespace falsework::runbook {

std::string render_html(const Outline& outline);

}  // namespace falsework::runbook
