// The runs of a ledger: where each stands, what it waits for, and what comes next. Needs no database.
//
// One rule: all of it is computed from the ledger's events and the run's own plan; what the journal in the database
// knows more is taken over when a run is taken up.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "executor/executor.h"
#include "plans/plan.h"
#include "state/ledger.h"
#include "state/run_state.h"

namespace falsework {

struct RunView {
  RunRecord record;
  Plan plan;
  RunState state;
};

// Done or rolled back.
bool is_over(const RunState& state);

// Oldest first. A run that the ledger calls running, but whose engine ran on this machine and is gone, is paused.
std::vector<RunView> all_runs(const Ledger& ledger);

// Finds a run by its id, or by the name of its migration where that is unique, among runs that are not over first.
// Throws Error(run.unknown).
RunView find_run(const Ledger& ledger, const std::string& word);

// The only run that is not over. Throws Error(run.unknown) when there is none, or more than one, and lists them.
RunView only_active_run(const Ledger& ledger);

// Runs that stand at a gate for one of these releases.
std::vector<RunView> runs_waiting_for(const Ledger& ledger, const std::set<std::string>& releases);

// The first step, in plan order, that is not done; nullptr when all are.
const Step* next_step(const Plan& plan, const RunState& state);

// The gate that comes next: the run stands before it; nullptr when something else comes next.
const Step* gate_ahead(const Plan& plan, const RunState& state);

// The conditions of that gate that were not met when the engine last stood there: `release 2026.12`, `soak 7d`;
// `advance` when all were.
std::vector<std::string> waiting_for(const Plan& plan, const RunState& state);

// The steps whose proof has failed and has not been cleared.
std::vector<const Step*> failed_proofs(const Plan& plan, const RunState& state);

// The phase of the next step, or of the last one.
Phase phase_of(const Plan& plan, const RunState& state);

// The steps that a request would run before it comes to a closed gate, and that gate (nullptr when none is met).
struct Preview {
  std::vector<const Step*> steps;  // gates that would open included
  const Step* closed_gate = nullptr;
  bool irreversible = false;
};
Preview preview(const Plan& plan, const RunState& state, const AdvanceRequest& request);

// The command that carries the run on from where it stands: `falsework advance RUN --release 2026.12`; empty for a run
// that is over.
std::string next_command(const std::string& run, const Plan& plan, const RunState& state);

}  // namespace falsework
