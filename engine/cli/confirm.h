// Asks before anything changes a database.
//
// One rule: without a terminal nothing asks; then --yes must be given, and --confirm for what cannot be undone.
#pragma once

#include "engine/cli/invocation.h"
#include "engine/cli/report.h"

namespace falsework::cli {

// Shows what would be done, and returns when that is agreed to. Throws Error(usage) when nobody can be asked and --yes
// is not given; Error(confirmation.missing) when the answer is no, or when a step that cannot be undone lies ahead and
// is not confirmed. Returns whether irreversible steps may run.
bool confirm(Invocation& invocation, const Intention& intention, bool irreversible);

// Shows what is about to be done and asks, unless --yes is given. Throws as confirm() does.
void agree(Invocation& invocation, const std::string& what);

}  // namespace falsework::cli
