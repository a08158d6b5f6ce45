#include "executor/run_context.h"

#include <fmt/format.h>

#include "executor/place.h"

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
  row.detail.clear();
  row.duration_ms = -1;
  const bool ends = state == JournalState::kDone || state == JournalState::kUndone;
  if (ends && begun != std::chrono::steady_clock::time_point{}) {
    row.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock.monotonic() - begun).count();
  }
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

std::unique_ptr<RunContext> make_context(const std::string& run, Plan plan, Ledger& ledger, Clock& clock,
                                         Observer& observer, const ExecutorOptions& options,
                                         std::unique_ptr<pg::Session> session) {
  auto context = std::make_unique<RunContext>(RunContext{run,
                                                         actor_of(options),
                                                         std::move(plan),
                                                         ledger,
                                                         clock,
                                                         observer,
                                                         options,
                                                         std::move(session),
                                                         0,
                                                         {},
                                                         {},
                                                         {},
                                                         {}});
  context->random.seed(static_cast<std::minstd_rand::result_type>(std::hash<std::string>{}(context->actor + run)));
  return context;
}

}  // namespace falsework
