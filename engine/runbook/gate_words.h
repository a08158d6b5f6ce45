// How a runbook says what a gate waits for, and what opens it.
#pragma once

#include <string>

#include "engine/runbook/outline.h"
#include "plans/plan.h"

namespace falsework::runbook {

// `release 2026.12 is out everywhere`.
Text describe(const GateCondition& condition);

// All conditions of a gate in one phrase: `release 2026.12 is out everywhere, and …`.
Text describe(const Gate& gate);

// What a person types when the conditions hold; with its confirmation where steps behind the gate cannot be undone.
std::string opening_command(const Plan& plan, const Step& gate);

}  // namespace falsework::runbook
