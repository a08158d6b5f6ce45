#include "plans/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/duration.h"
#include "base/error.h"

namespace falsework {

namespace {

using Kind = GateCondition::Kind;

// The names are part of the plan's format: added to, never changed.
constexpr std::array<std::string_view, std::size(kConditionKinds)> kNames{
    "release",       "advance",          "soak",           "approval",     "backup",
    "no_old_writer", "no_old_statement", "no_old_session", "no_dependent", "sql"};

}  // namespace

std::string_view name(Kind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

std::optional<Kind> parse_condition_kind(std::string_view text) {
  const auto found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Kind>(found - kNames.begin());
}

ConditionFields fields_of(Kind kind) {
  ConditionFields fields;
  fields.release = kind == Kind::kRelease;
  fields.period =
      kind == Kind::kSoak || kind == Kind::kBackup || kind == Kind::kNoOldWriter || kind == Kind::kNoOldStatement;
  fields.approvals = kind == Kind::kApproval;
  fields.query = kind == Kind::kSql;
  fields.old = kind == Kind::kNoOldWriter || kind == Kind::kNoOldStatement || kind == Kind::kNoOldSession ||
               kind == Kind::kNoDependent;
  return fields;
}

std::string render_condition(const GateCondition& condition) {
  const std::string period = render_duration(condition.period);
  switch (condition.kind) {
    case Kind::kRelease: return fmt::format("release {}", condition.release);
    case Kind::kAdvance: return "advance";
    case Kind::kSoak: return fmt::format("soak {}", period);
    case Kind::kApproval:
      return condition.approvals == 1 ? "1 approval" : fmt::format("{} approvals", condition.approvals);
    case Kind::kBackup: return fmt::format("backup of the last {}", period);
    case Kind::kNoOldWriter: return fmt::format("no writer of the old shape for {}", period);
    case Kind::kNoOldStatement: return fmt::format("no statement of the old shape for {}", period);
    case Kind::kNoOldSession: return "no session of the old shape";
    case Kind::kNoDependent: return "no dependent of the old shape";
    case Kind::kSql: return fmt::format("check {}", condition.name);
  }
  fail_check("a kind of condition", __FILE__, __LINE__);
}

}  // namespace falsework
