#include "plans/opening.h"

#include <fmt/format.h>

#include "base/shell.h"

namespace falsework {

std::string opening_command(std::string_view run, const Gate& gate) {
  std::string command = fmt::format("falsework advance {}", run);
  for (const GateCondition& condition : gate.conditions) {
    if (condition.kind != GateCondition::Kind::kRelease) continue;
    command += fmt::format(" --release {}", shell_word(condition.release));
  }
  return command;
}

}  // namespace falsework
