#include "state/rebuild.h"

#include <fmt/format.h>

#include <algorithm>

#include "state/run_state.h"

namespace falsework {

namespace {

class Rebuilding {
 public:
  Rebuilding(const Plan& plan, const JournalRun& run) : plan_(plan), run_(run) {}

  void begin(const std::vector<JournalEntry>& history) {
    Event created;
    created.run = run_.run;
    created.kind = EventKind::kRunCreated;
    created.at = run_.created_at;
    // Nobody holds a run while it is created; whoever took it up first had created it.
    created.actor = history.empty() ? run_.holder : history.front().actor;
    created.detail = run_.name;
    events_.push_back(created);
  }

  void add(const JournalEntry& entry) {
    if (entry.step.empty()) {
      add_of_run(entry);
    } else if (const Step* step = plan_.step(entry.step)) {
      add_of_step(entry, *step);
    }
  }

  void add_progress(const Step& step, const JournalStep& row) {
    Progress progress;
    progress.rows = row.rows;
    progress.total = std::max(step.estimate.rows, row.rows);
    Event event;
    event.run = run_.run;
    event.kind = EventKind::kStepProgress;
    event.step = step.id;
    event.generation = row.generation;
    event.epoch = row.epoch;
    event.at = row.at;
    event.actor = run_.holder;
    event.rows = row.rows;
    event.detail = render_progress(progress);
    events_.push_back(std::move(event));
  }

  std::vector<Event> events() { return std::move(events_); }

 private:
  enum class Doing { kNothing, kRunning, kUndoing, kCleared };

  void add_of_run(const JournalEntry& entry) {
    if (entry.event == "run_done") push(entry, EventKind::kRunDone);
    if (entry.event == "run_reopened") push(entry, EventKind::kRunReopened);
    if (entry.event == "run_rolled_back") push(entry, EventKind::kRunRolledBack);
    if (entry.event == "archive_dropped") push(entry, EventKind::kArchiveDropped);
    if (entry.event == "adopted") push(entry, EventKind::kRunAdopted);
  }

  void add_of_step(const JournalEntry& entry, const Step& step) {
    Doing& doing = doing_[step.id];
    if (entry.event == "intent") {
      ensure(entry, doing, Doing::kRunning);
    } else if (entry.event == "done" && step.kind == StepKind::kGate) {
      push(entry, EventKind::kGateOpened).detail = fmt::format("{}", fmt::join(conditions_[step.id], ", "));
      conditions_[step.id].clear();
    } else if (entry.event == "done") {
      ensure(entry, doing, Doing::kRunning);
      push(entry, EventKind::kStepDone).rows = rows_of(entry, step);
      doing = Doing::kNothing;
    } else if (entry.event == "proof_failed") {
      ensure(entry, doing, Doing::kRunning);
      push(entry, EventKind::kProofFailed);
      doing = Doing::kNothing;
    } else if (entry.event == "proof_cleared") {
      push(entry, EventKind::kProofCleared);
      doing = Doing::kCleared;
    } else if (entry.event == "undo_intent") {
      ensure(entry, doing, Doing::kUndoing);
    } else if (entry.event == "undone") {
      // Clearing a proof begins a new generation, which the journal writes as an undo.
      if (doing != Doing::kCleared) {
        ensure(entry, doing, Doing::kUndoing);
        push(entry, EventKind::kUndoDone);
      }
      doing = Doing::kNothing;
    } else {
      add_other(entry, doing);
    }
  }

  void add_other(const JournalEntry& entry, Doing& doing) {
    if (entry.event == "failed") {
      ensure(entry, doing, Doing::kRunning);
      push(entry, EventKind::kStepFailed);
      doing = Doing::kNothing;
    } else if (entry.event == "undo_failed") {
      ensure(entry, doing, Doing::kUndoing);
      push(entry, EventKind::kUndoFailed);
      doing = Doing::kNothing;
    } else if (entry.event == "gate_opened") {
      // Who, and the condition.
      conditions_[entry.step].push_back(
          entry.detail.substr(std::min(entry.detail.find(": ") + 2, entry.detail.size())));
    } else if (entry.event == "gate_closed") {
      conditions_[entry.step].clear();
    }
  }

  // A step in a transaction leaves only its end in the journal; that it was begun is told as well.
  void ensure(const JournalEntry& entry, Doing& doing, Doing wanted) {
    if (doing == wanted) return;
    Event& event = push(entry, wanted == Doing::kUndoing ? EventKind::kUndoIntent : EventKind::kStepIntent);
    event.detail.clear();
    event.sqlstate.clear();
    event.duration_ms = -1;
    doing = wanted;
  }

  static std::int64_t rows_of(const JournalEntry& entry, const Step& step) {
    return entry.rows > 0 || step.kind == StepKind::kBackfill ? entry.rows : -1;
  }

  Event& push(const JournalEntry& entry, EventKind kind) {
    Event event;
    event.run = run_.run;
    event.kind = kind;
    event.step = entry.step;
    event.generation = entry.generation;
    event.epoch = entry.epoch;
    event.at = entry.at;
    event.actor = entry.actor;
    event.duration_ms = entry.duration_ms;
    event.sqlstate = entry.sqlstate;
    event.detail = entry.detail;
    events_.push_back(std::move(event));
    return events_.back();
  }

  const Plan& plan_;
  const JournalRun& run_;
  std::vector<Event> events_;
  std::map<std::string, Doing> doing_;
  std::map<std::string, std::vector<std::string>> conditions_;
};

}  // namespace

std::vector<Event> rebuild_events(const Plan& plan, const JournalRun& run, const std::vector<JournalEntry>& history,
                                  const std::map<std::string, JournalStep>& steps) {
  Rebuilding rebuilding(plan, run);
  rebuilding.begin(history);
  for (const JournalEntry& entry : history) rebuilding.add(entry);
  for (const Step& step : plan.steps) {
    const auto row = steps.find(step.id);
    if (step.kind != StepKind::kBackfill || row == steps.end()) continue;
    const bool copied = row->second.state == JournalState::kIntent || row->second.state == JournalState::kDone;
    if (copied) rebuilding.add_progress(step, row->second);
  }
  return rebuilding.events();
}

}  // namespace falsework
