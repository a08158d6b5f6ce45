#include "engine/cli/releases.h"

#include <nlohmann/json.hpp>

namespace falsework::cli {

std::map<std::string, std::vector<ReleaseGate>> gates_of_releases(const std::vector<RunView>& runs) {
  std::map<std::string, std::vector<ReleaseGate>> found;
  for (const RunView& run : runs) {
    const Step* ahead = is_over(run.state) ? nullptr : gate_ahead(run.plan, run.state);
    for (const Step& step : run.plan.steps) {
      if (!step.gate) continue;
      const bool open = run.state.open_gates.contains(step.id);
      for (const GateCondition& condition : step.gate->conditions) {
        if (condition.kind != GateCondition::Kind::kRelease) continue;
        found[condition.release].push_back({run.record.run, step.id,
                                            open             ? "open"
                                            : &step == ahead ? "awaited"
                                                             : "later"});
      }
    }
  }
  return found;
}

nlohmann::ordered_json render_gates(const std::vector<ReleaseGate>& gates) {
  auto json = nlohmann::ordered_json::array();
  for (const ReleaseGate& gate : gates) {
    json.push_back({{"run", gate.run}, {"step", gate.step}, {"state", gate.state}});
  }
  return json;
}

}  // namespace falsework::cli
