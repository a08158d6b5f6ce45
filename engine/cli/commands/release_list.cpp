#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/gates.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

// Where the gates of a release stand in one run.
struct Mention {
  std::string run, gate;
  std::string state;  // open, awaited, later
};

std::map<std::string, std::vector<Mention>> mentions(const std::vector<RunView>& runs) {
  std::map<std::string, std::vector<Mention>> found;
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

ExitCode run_release_list(Invocation& invocation) {
  Console& console = invocation.console();
  std::map<std::string, std::string> out;
  if (invocation.database_is_named()) out = releases_out(invocation.connection());
  const auto found = mentions(invocation.has_ledger() ? all_runs(invocation.ledger()) : std::vector<RunView>{});
  Json json;
  json["releases"] = Json::array();
  std::vector<std::vector<std::string>> rows{{"RELEASE", "OUT SINCE", "GATE", "RUN", "STEP"}};
  for (const auto& [release, gates] : found) {
    Json each;
    const auto since = out.find(release);
    each["release"] = release;
    each["out_since"] = since == out.end() ? Json(nullptr) : Json(since->second);
    each["gates"] = Json::array();
    for (const Mention& gate : gates) {
      each["gates"].push_back({{"run", gate.run}, {"step", gate.gate}, {"state", gate.state}});
      rows.push_back({release, since == out.end() ? "-" : since->second, gate.state, gate.run, gate.gate});
    }
    json["releases"].push_back(each);
  }
  if (console.json()) {
    console.document(json.dump(2) + "\n");
  } else if (found.empty()) {
    console.line("no run waits for any release");
  } else {
    console.table(rows);
  }
  return ExitCode::kDone;
}

}  // namespace

Command release_list_command() {
  return {
      "release list",
      "list the releases that runs wait for, or have waited for",
      "",
      0,
      0,
      {Needs::kDatabase, Needs::kLedger},
      {},
      run_release_list,
      {"falsework release list", "falsework release list --json"},
      "A gate is open, awaited (a run stands before it), or later. With a database (-d or DATABASE_URL) it also tells "
      "since when a release is out, as `falsework advance --release` has said.",
      "the ledger; the database for which are out"};
}

}  // namespace falsework::cli
