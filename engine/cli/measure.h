// What a runbook adds when a database is given: the tables of a plan as they are.
#pragma once

#include "engine/facade.h"
#include "engine/runbook/measured.h"

namespace falsework::cli {

// Connects and reads; changes nothing. Throws as pg::connect does, and Error(object.missing) when a table of the plan
// is not there.
runbook::Measured measure(const Plan& plan, const Connection& connection, Clock& clock);

}  // namespace falsework::cli
