#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/cli/releases.h"
#include "engine/gates.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

ExitCode run_release_list(Invocation& invocation) {
  Console& console = invocation.console();
  std::map<std::string, std::string> out;
  if (invocation.database_is_named()) out = releases_out(invocation.connection());
  const auto found =
      gates_of_releases(invocation.has_ledger() ? all_runs(invocation.ledger()) : std::vector<RunView>{});
  Json json;
  json["releases"] = Json::array();
  std::vector<std::vector<std::string>> rows{{"RELEASE", "OUT SINCE", "GATE", "RUN", "STEP"}};
  for (const auto& [release, gates] : found) {
    Json each;
    const auto since = out.find(release);
    each["release"] = release;
    each["out_since"] = since == out.end() ? Json(nullptr) : Json(since->second);
    each["gates"] = render_gates(gates);
    for (const ReleaseGate& gate : gates) {
      rows.push_back({release, since == out.end() ? "-" : since->second, gate.state, gate.run, gate.step});
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
