#include "engine/runbook/risk.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/runbook/words.h"

namespace falsework::runbook {

Risk risk_of(const Plan& plan) {
  Risk risk;
  for (const Step& step : plan.steps) {
    bool blocks = false, long_block = false;
    for (const pg::TakenLock& lock : step.locks) {
      if (!blocks_writes(lock)) continue;
      blocks = true;
      long_block = long_block || lock.duration != pg::LockDuration::kMoment;
    }
    risk.long_stalls += long_block ? 1U : 0U;
    risk.short_stalls += blocks && !long_block ? 1U : 0U;
    risk.rewrites += step.rewrites ? 1U : 0U;
    risk.irreversible += step.irreversible ? 1U : 0U;
    risk.archived += step.archives.empty() ? 0U : 1U;
    risk.bytes += step.estimate.bytes;
    if (blocks) risk.stall = std::max(risk.stall, step.timeouts.lock);
    if (step.kind == StepKind::kBackfill) {
      ++risk.copies;
      risk.rows += step.estimate.rows;
    }
  }
  return risk;
}

std::string_view level_of(const Risk& risk) {
  if (risk.long_stalls > 0 || risk.rewrites > 0) return "High";
  if (risk.irreversible > 0 || risk.copies > 0) return "Medium";
  return "Low";
}

std::string risk_line(const Risk& risk) {
  std::string text;
  if (risk.long_stalls > 0) {
    text += fmt::format("{} longer than a moment; ",
                        count_of(risk.long_stalls, "step blocks writes for", "steps block writes for"));
  }
  if (risk.rewrites > 0)
    text += fmt::format("{}; ", count_of(risk.rewrites, "step rewrites a table", "steps rewrite a table"));
  if (risk.short_stalls > 0) {
    text += fmt::format("{} for a moment; a lock that is not had within {} ms is given up and tried again; ",
                        count_of(risk.short_stalls, "step blocks writes", "steps block writes"), risk.stall.count());
  } else if (risk.long_stalls == 0) {
    text += "no step blocks writes; ";
  }
  if (risk.copies > 0) {
    text += fmt::format("{} are copied in batches; ", count_of(static_cast<std::size_t>(risk.rows), "row", "rows"));
  }
  if (risk.bytes > 0) text += fmt::format("about {} are added to the disk; ", render_bytes(risk.bytes));
  if (risk.irreversible == 0 && risk.archived > 0) return text + "everything can be undone while the archive is kept.";
  text += risk.irreversible == 0 ? "everything can be undone."
                                 : fmt::format("{} cannot be undone.", count_of(risk.irreversible, "step", "steps"));
  return text;
}

}  // namespace falsework::runbook
