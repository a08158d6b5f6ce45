#include "engine/cli/phases.h"

#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/suggest.h"

namespace falsework::cli {

Phase phase_named(const std::string& option, const std::string& text) {
  if (const auto phase = parse_phase(text)) return *phase;
  std::vector<std::string> known;
  for (const Phase phase : kPhases) known.emplace_back(name(phase));
  const std::optional<std::string> near = nearest(text, known);
  throw Error(
      errors::kUsage, fmt::format("--{} {} is no phase", option, text),
      near ? fmt::format("Did you mean \"{}\"?", *near) : fmt::format("The phases are: {}.", fmt::join(known, ", ")));
}

}  // namespace falsework::cli
