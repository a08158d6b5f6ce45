// How commands show runs and steps: as JSON, and for people.
//
// One rule: the JSON is a contract (docs/reference/command-line.md); a key is never renamed or given another meaning.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/archives.h"
#include "engine/cli/console.h"
#include "engine/gates.h"
#include "engine/preflight.h"
#include "engine/runs.h"
#include "executor/adopt.h"
#include "executor/executor.h"
#include "plans/plan.h"

namespace falsework::cli {

// {"runs":[{run,name,database,state,phase,waiting_for,steps:[…],gate,archives}]}. `gates` and `archives`: one for each
// run.
std::string render_status_json(const std::vector<RunView>& runs, const std::vector<GateReport>& gates,
                               const std::vector<std::optional<std::vector<ArchiveView>>>& archives);

// What a run waits for: what its gate lacks by the report, else as the ledger has it.
std::vector<std::string> awaited(const RunView& run, const GateReport& report);

// The conditions of the gate at which a run stands, as lines for people; empty for a run that stands at none.
std::vector<std::string> describe_gate(const RunView& run, const GateReport& report);

// What would be run, or undone, on one run.
struct Intention {
  std::string run;  // empty: a new one
  std::string name;
  std::vector<const Step*> steps;  // of the plan that outlives it
  const Step* closed_gate = nullptr;
  bool undo = false;
  std::optional<Preflight> preflight = std::nullopt;  // of what does not undo, where the database could be looked at
};
std::string render_intentions_json(const std::vector<Intention>& intentions);
// What, the locks and the undo, for people.
std::string describe_intention(const Intention& intention);

// What became of one run: an outcome, or the error that ended it.
struct Result {
  RunView run;
  std::optional<Outcome> outcome;
  std::optional<Error> error;
  std::optional<Preflight> preflight = std::nullopt;
};
std::string_view name(Outcome outcome);  // done, at_gate, target_reached, rolled_back, nothing_to_do

// Prints the results: JSON on stdout, or a sentence each with the next command.
void print_results(Console& console, const std::vector<Result>& results);

// 0; 6 with `detailed` when a run stands at a gate. The error of a single run is thrown on; of several, the first
// decides.
ExitCode settle_results(const std::vector<Result>& results, bool detailed);

// A run of the journal that a ledger would adopt, as a line for people, and several as JSON.
std::string describe_journaled(const JournaledRun& run);
std::string render_journaled_json(const std::vector<JournaledRun>& runs);

// What became of adopting a run.
struct Adopted {
  RunView run;
  std::string outcome;  // adopted, kept; empty with an error
  std::optional<Error> error;
};
// JSON on stdout, or where each run stands and its next command.
void print_adopted(Console& console, const std::vector<Adopted>& adopted);

// The steps of a plan, phase by phase; with numbers as the runbook has them, for people.
std::string render_steps_json(const Plan& plan);
std::string list_steps(const Plan& plan);

// The JSON of one step as it stands in the plan.
std::string render_step_json(const Plan& plan, const Step& step);
// Everything that a step says of itself, for people.
std::string describe_step(const Plan& plan, const Step& step);

// What a plan would do, for people: changes, warnings, phases, gates, the next command.
std::string summarize(const Plan& plan, const std::string& file);

}  // namespace falsework::cli
