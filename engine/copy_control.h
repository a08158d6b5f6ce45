// Steers the copy of a run from outside: what `pause`, `resume` and `throttle` set, in the run's database.
//
// One rule: it writes settings only. The engine that copies reads them between two batches, and so does the next one.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/facade.h"
#include "state/postgres/copy_journal.h"

namespace falsework {

// All throw Error(database.foreign) for another database than the run's, Error(run.unknown) when its journal does not
// know the run, Error(usage) when the run is over.
CopyControl copy_control(const RunRecord& run, const Connection& connection);
// False when it was so already.
bool set_copy_paused(const RunRecord& run, const Connection& connection, bool paused, const std::string& actor);
void set_copy_limits(const RunRecord& run, const Connection& connection, const CopyLimits& limits,
                     std::optional<std::chrono::milliseconds> duration, const std::string& actor);

}  // namespace falsework
