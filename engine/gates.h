// Gates as people meet them: how they stand, and what people say of them (an approval, a backup, a release).
//
// One rule: what is said goes into the target database, where the gate is judged, and then into the ledger's history.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/facade.h"
#include "engine/runs.h"
#include "executor/gates/look.h"

namespace falsework {

// How the gate stands at which a run waits. Without `view`, `problem` says why it could not be looked at; both are
// empty for a run that stands at none.
struct GateReport {
  std::optional<GateView> view;
  std::string problem;
};

// One report for each run, in their order. Never throws for what one run lacks: a database that is not reachable, or
// another one than the run's, is its problem.
std::vector<GateReport> look_at_gates(const std::vector<RunView>& runs, const Connection& connection);

// The gate of a plan by its name or its step. Throws Error(step.unknown), which lists them.
const Step& gate_named(const Plan& plan, const std::string& word);

// Who says something, of which run's gate.
struct Voice {
  Ledger& ledger;
  const Clock& clock;
  Connection connection;
  std::string actor;  // user@host (pid)
};

// Records an approval of the run's plan by `name`. Throws Error(approval.refused) for the author, or who started the
// run, where four eyes are asked for; Error(usage) where the gate waits for no approval, or is open.
void approve(const Voice& voice, const RunView& run, const std::string& gate, const std::string& name,
             const std::string& comment);

// Records that there is a backup. `taken_at` is a time with its zone. Throws Error(usage) as above.
void acknowledge_backup(const Voice& voice, const RunView& run, const std::string& gate, const std::string& reference,
                        const std::string& taken_at, const std::string& comment);

// Remembers that a release is out, for runs that come to its gates later. False when the database has no journal yet.
bool remember_releases(const Connection& connection, const std::set<std::string>& releases, const std::string& actor);

// Takes back that a release is out: gates that no run has passed wait for it again, and the history of each of `runs`
// that stands at one says so. Throws Error(object.missing) for a release that is not out.
void withdraw_release(const Voice& voice, const std::vector<RunView>& runs, const std::string& release,
                      const std::string& reason);

// The releases that are said to be out, and since when. Empty when there is no journal.
std::map<std::string, std::string> releases_out(const Connection& connection);

}  // namespace falsework
