// The command that opens a gate, for people.
#pragma once

#include <string>
#include <string_view>

#include "plans/gate.h"

namespace falsework {

// `falsework advance RUN --release 2026.12`, with every release that the gate waits for.
std::string opening_command(std::string_view run, const Gate& gate);

}  // namespace falsework
