// Where the gates of releases stand in the runs of a ledger.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/runs.h"

namespace falsework::cli {

struct ReleaseGate {
  std::string run, step;
  std::string state;  // open, awaited (the run stands before it), later
};

// By release, in the order of the runs. Runs that are over have gates too.
std::map<std::string, std::vector<ReleaseGate>> gates_of_releases(const std::vector<RunView>& runs);

nlohmann::ordered_json render_gates(const std::vector<ReleaseGate>& gates);

}  // namespace falsework::cli
