// What apply, advance and rollback have in common: say it, ask, do it, tell what became of it.
#pragma once

#include <functional>
#include <vector>

#include "engine/cli/invocation.h"
#include "engine/cli/report.h"

namespace falsework::cli {

// One run that is to be carried on.
struct Task {
  RunView run;  // of a new run: with its name, its plan and no id
  Intention intention;
  bool irreversible = false;  // something that cannot be undone lies ahead
  // `confirmed`: irreversible steps may run.
  std::function<RunReport(const Workplace& place, bool confirmed)> work;
};

// Options of all three: --yes, --confirm, --dry-run, --detailed-exitcode and those of locks.
std::vector<Option> carrying_options();

// Carries out the tasks, one after the other. Of a single one an error is thrown on; of several, the others go on, and
// a run of another database is passed over. Throws Error(usage) when --confirm names none of them.
ExitCode carry_on(Invocation& invocation, const std::vector<Task>& tasks);

}  // namespace falsework::cli
