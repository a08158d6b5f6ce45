// The front door: what each command does, without the command line.
//
// One rule: a command is a function of a request; printing is the command line's business.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "executor/adopt.h"
#include "executor/executor.h"
#include "planner/change.h"
#include "plans/plan.h"
#include "postgres/catalog/compare.h"
#include "postgres/catalog/snapshot.h"
#include "state/ledger.h"

namespace falsework {

struct Connection {
  std::string conninfo;  // from -d, DATABASE_URL, or empty for libpq's own environment
  std::string application_name = "falsework";
};

// Declarations + a live server or a snapshot -> a stamped, verified plan. Changes nothing: the session is read-only.
Plan plan_from_server(const std::vector<std::filesystem::path>& declarations, const Connection& connection);
Plan plan_from_snapshot(const std::vector<std::filesystem::path>& declarations, const std::filesystem::path& snapshot);

// A plan as it stands in its file; the text is what a run stores.
struct PlanFile {
  Plan plan;
  std::string text;
};

// Reads a plan file; `-` is standard input. Throws Error(file.unreadable), Error(plan.invalid) for one that is
// malformed or unsound, Error(plan.digest_mismatch) for one that was changed.
PlanFile load_plan(const std::filesystem::path& file);

// The catalog of a database as a snapshot, of all or of some tables. Throws Error(object.missing) for a table that was
// named and is not there.
pg::Snapshot take_snapshot(const Connection& connection, const std::vector<QualifiedName>& tables);

// What differs between what a plan relies on and the live catalog; lines for people. Throws Error(database.foreign)
// when this is not the server that the plan was made for.
std::vector<std::string> drift_of(const Plan& plan, const Connection& connection);

// The same for a run: against what its last finished step left. Throws Error(database.foreign).
std::vector<std::string> drift_of_run(const RunRecord& run, const Connection& connection);

// Where a connection leads.
pg::DatabaseIdentity identity_of(const Connection& connection);

// Throws Error(database.foreign) unless this is the database that the run was begun in.
void require_run_database(const RunRecord& run, const pg::DatabaseIdentity& identity);

// Where a run is carried on, and who hears of it.
struct Workplace {
  Ledger& ledger;
  Clock& clock;
  Observer& observer;
  ExecutorOptions options;
  std::function<void(const std::string& run)> opened = [](const std::string&) {};  // once the run is held
};

// What became of a run, and where it stands now.
struct RunReport {
  RunRecord record;
  Outcome outcome = Outcome::kNothingToDo;
  Plan plan;
  RunState state;
};

// Starts the run of a plan, or takes up the one that it has, and goes on to the first closed gate.
RunReport apply_plan(const PlanFile& plan, const AdvanceRequest& request, const Workplace& place);

// Goes on with a run. `open_advance_gates` counts only where the run stands at a gate when it is taken up (or for the
// target kEnd): a person opens the gate that they were told of.
RunReport advance_run(const RunRecord& run, const AdvanceRequest& request, const Workplace& place);

// The runs of the journal in a database, oldest first, and whether this ledger keeps them; without one, none is kept.
std::vector<JournaledRun> journaled_runs(const Connection& connection, const Ledger* ledger);

// Makes the ledger the one that keeps the run; false when it was that already.
bool adopt(const std::string& run, const std::string& reason, const Workplace& place);

// Clears the failed proof of a step, or of every step when none is named, and runs the proof again: it must pass.
// Throws Error(step.unknown) when there is no failed proof, Error(proof.failed) when it fails again.
RunReport prove_run(const RunRecord& run, const std::optional<std::string>& step, const std::string& reason,
                    const Workplace& place);

// Drops the archives of a run that is done, and with them its way back; returns their names. Throws Error(usage) for a
// run that is under way, or on its way back.
std::vector<std::string> drop_archives(const RunRecord& run, const Workplace& place);

// Checks the chains of the journal in a database, and that the ledger has what the journal says of it; returns what is
// wrong, in words. Throws Error(run.unknown) when there is no journal.
std::vector<std::string> verify_journal(const Connection& connection, const Ledger& ledger);

RunReport rollback_run(const RunRecord& run, const RollbackRequest& request, const Workplace& place);

}  // namespace falsework
