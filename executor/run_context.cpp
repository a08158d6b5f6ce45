#include "executor/run_context.h"

#include <fmt/format.h>

namespace falsework {

JournalStep RunContext::journal_step(const Step& step) const {
  if (const auto found = journal.find(step.id); found != journal.end()) return found->second;
  JournalStep fresh;
  fresh.step = step.id;
  return fresh;
}

bool RunContext::journal_says(const Step& step, JournalState state) const {
  const auto found = journal.find(step.id);
  return found != journal.end() && found->second.state == state;
}

JournalStep RunContext::next_row(const Step& step, JournalState state) const {
  JournalStep row = journal_step(step);
  row.state = state;
  row.epoch = epoch;
  if (state == JournalState::kUndone) {
    ++row.generation;
    row.cursor.clear();
    row.rows = 0;
  }
  return row;
}

void RunContext::tell(EventKind kind, const Step* step, std::string detail, Event more) {
  more.run = run;
  more.kind = kind;
  more.step = step == nullptr ? std::string() : step->id;
  more.generation = step == nullptr ? 0 : journal_step(*step).generation;
  more.epoch = epoch;
  more.at = render_time(clock.now());
  more.actor = actor;
  more.detail = std::move(detail);
  ledger.append(std::move(more));
}

void RunContext::blocked(const Step& step, int attempt, const std::vector<std::string>& blockers) {
  observer.step_blocked(step, attempt, blockers);
  tell(EventKind::kStepBlocked, &step, fmt::format("{}", fmt::join(blockers, "\n")));
}

std::chrono::milliseconds RunContext::lock_timeout(const Step& step) const {
  return options.lock_timeout.value_or(step.timeouts.lock);
}

std::chrono::milliseconds RunContext::lock_budget(const Step& step) const {
  return options.lock_budget.value_or(step.timeouts.budget);
}

}  // namespace falsework
