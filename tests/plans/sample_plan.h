// A plan that has everything that a plan can have: each phase, each kind of step, each field.
#pragma once

#include "plans/plan.h"

namespace falsework::testing {

// Unstamped; verify() finds nothing wrong with it.
Plan sample_plan();
// The same, with a condition of each kind at the gate of contract.
Plan sample_plan_with_every_condition();

}  // namespace falsework::testing
