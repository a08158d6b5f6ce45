#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/cli/command.h"
#include "engine/cli/invocation.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Findings {
  std::string subject;  // plan users.plan.json, run users-1f0c2ab4
  std::vector<std::string> lines;
};

// A plan whose run is under way: the run's own changes stand among what differs from before it.
void note_run_of(Invocation& invocation, const Plan& plan) {
  if (!invocation.has_ledger()) return;
  for (const RunView& run : all_runs(invocation.ledger())) {
    if (run.record.plan_digest != plan.digest || run.state.state == RunPhaseState::kRolledBack) continue;
    invocation.console().note(
        fmt::format("run {} of this plan has begun, and what it changed is listed too; without that: "
                    "falsework drift {}",
                    run.record.run, run.record.run));
  }
}

Findings look(Invocation& invocation) {
  const Connection connection = invocation.connection();
  const auto word = invocation.arguments().word(0);
  if (word && names_file(*word)) {
    const Plan plan = load_plan(*word).plan;
    note_run_of(invocation, plan);
    return {fmt::format("plan {}", *word), drift_of(plan, connection)};
  }
  const RunView run = word ? find_run(invocation.ledger(), *word) : only_active_run(invocation.ledger());
  return {fmt::format("run {}", run.record.run), drift_of_run(run.record, connection)};
}

ExitCode run_drift(Invocation& invocation) {
  Console& console = invocation.console();
  const Findings findings = look(invocation);
  if (console.json()) {
    Json json;
    json["subject"] = findings.subject;
    json["drift"] = findings.lines;
    console.document(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else if (findings.lines.empty()) {
    console.line(fmt::format("the catalog is what {} relies on", findings.subject));
  } else {
    for (const std::string& line : findings.lines) console.line(line);
  }
  return findings.lines.empty() ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace

Command drift_command() {
  return {"drift",
          "compare the live catalog with what a plan relies on, or with what a run left",
          "[PLAN|RUN]",
          0,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {},
          run_drift,
          {"falsework drift users.plan.json -d postgres://owner@db/shop", "falsework drift users-1f0c2ab4 --json"},
          "Exits with 5 when something differs, and lists it. Without an argument the only run under way is meant.",
          "the database; the ledger for a run"};
}

}  // namespace falsework::cli
