// Draws the graph of a plan as SVG, to stand inside an HTML page: each node leads to its step.
#pragma once

#include <string>

#include "engine/runbook/diagram.h"

namespace falsework::runbook {

struct Svg {
  std::string text;  // the <svg> element; colours come from the page's style
  int width = 0;     // CSS pixels, unscaled
};

Svg render_svg(const Diagram& diagram);

}  // namespace falsework::runbook
