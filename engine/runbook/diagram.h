// The graph of a plan's steps as a picture, before any format: phases, the steps in them, and what leads to what.
#pragma once

#include <string>
#include <vector>

#include "plans/plan.h"

namespace falsework::runbook {

struct Diagram {
  struct Node {
    int number = 0;  // of the step, from 1, as everywhere in the runbook
    std::string label;
    StepKind kind = StepKind::kStatement;
    bool irreversible = false;
  };
  struct Group {
    Phase phase = Phase::kExpand;
    std::vector<Node> nodes;
  };
  struct Edge {
    int from = 0, to = 0;  // numbers
    bool operator==(const Edge&) const = default;
  };
  std::vector<Group> groups;
  std::vector<Edge> edges;
};

// Without edges that others imply: what a step needs through another need is not drawn.
Diagram diagram(const Plan& plan);

}  // namespace falsework::runbook
