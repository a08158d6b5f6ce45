#include "engine/runbook/diagram.h"

#include <map>
#include <set>

#include "plans/graph.h"

namespace falsework::runbook {

Diagram diagram(const Plan& plan) {
  Diagram result;
  std::map<std::string, int> numbers;
  for (const Step& step : plan.steps) {
    const int number = static_cast<int>(numbers.size()) + 1;
    numbers[step.id] = number;
    if (result.groups.empty() || result.groups.back().phase != step.phase) result.groups.push_back({step.phase, {}});
    result.groups.back().nodes.push_back({number, step.title, step.kind, step.irreversible});
  }
  for (const Step& step : plan.steps) {
    std::set<int> from;
    for (const std::string& need : direct_needs(plan, step)) from.insert(numbers.at(need));
    for (const int number : from) result.edges.push_back({number, numbers.at(step.id)});
  }
  return result;
}

}  // namespace falsework::runbook
