// Turns declared changes and a catalog snapshot into a plan.
//
// One rule: pure. No connection, no clock, no randomness: the same input gives the same bytes.
#pragma once

#include "planner/change.h"
#include "plans/plan.h"
#include "postgres/catalog/snapshot.h"

namespace falsework {

// Throws Error: object.missing, object.exists, change.refused (with the name of what stands in the way),
// expression.invalid, declaration.empty (a migration that would do nothing says so).
Plan make_plan(const Migration& migration, const pg::Snapshot& snapshot);

}  // namespace falsework
