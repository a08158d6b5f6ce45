// Where the boxes and lines of a diagram lie; Graphviz ("dot") decides.
//
// One rule: Graphviz is given numbers and sizes, never a name or a label. So no text can lead it astray, and no font of
// the machine moves a box: equal diagrams give equal layouts.
#pragma once

#include <map>
#include <vector>

#include "engine/runbook/diagram.h"

namespace falsework::runbook {

// Points (1/72 inch), the origin at the upper left.
struct Point {
  double x = 0, y = 0;
};
struct Size {
  double width = 0, height = 0;
};
struct Box {
  double left = 0, top = 0, width = 0, height = 0;
};

struct Layout {
  struct Line {
    int from = 0, to = 0;
    std::vector<Point> curve;  // a Bézier: start, then three points for each piece
    Point tip;                 // where the arrow ends
  };
  Size size;
  std::map<int, Box> nodes;  // by number
  std::vector<Box> groups;   // as in the diagram
  std::vector<Line> lines;
};

// `sizes` has one size for each node. Throws Error(internal) when Graphviz cannot.
Layout lay_out(const Diagram& diagram, const std::map<int, Size>& sizes);

}  // namespace falsework::runbook
