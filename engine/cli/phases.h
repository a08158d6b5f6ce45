// Phases as people name them on the command line.
#pragma once

#include <string>

#include "plans/plan.h"

namespace falsework::cli {

// Throws Error(usage) that names the option and the phases.
Phase phase_named(const std::string& option, const std::string& text);

}  // namespace falsework::cli
