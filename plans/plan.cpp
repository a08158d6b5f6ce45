#include "plans/plan.h"

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace falsework {

namespace {

// The names are part of the plan's format: added to, never changed.
constexpr std::array<std::string_view, 6> kPhaseNames{"expand",   "dual_write", "backfill",
                                                      "validate", "switch",     "contract"};
constexpr std::array<std::string_view, 6> kStepKindNames{"statement", "concurrent", "backfill",
                                                         "check",     "gate",       "note"};

template <typename Enum, std::size_t kSize>
std::optional<Enum> parse(const std::array<std::string_view, kSize>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view name(Phase phase) { return kPhaseNames.at(static_cast<std::size_t>(phase)); }

std::optional<Phase> parse_phase(std::string_view text) { return parse<Phase>(kPhaseNames, text); }

std::string_view name(StepKind kind) { return kStepKindNames.at(static_cast<std::size_t>(kind)); }

std::optional<StepKind> parse_step_kind(std::string_view text) { return parse<StepKind>(kStepKindNames, text); }

const Step* Plan::step(std::string_view id) const {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const Step& step) { return step.id == id; });
  return found == steps.end() ? nullptr : &*found;
}

std::string digest_of(const Plan& plan) {
  Plan unstamped = plan;
  unstamped.digest.clear();
  return sha256(render_plan(unstamped));
}

void stamp(Plan& plan) { plan.digest = digest_of(plan); }

}  // namespace falsework
