#include "engine/runbook/account.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/duration.h"
#include "engine/runbook/words.h"

namespace falsework::runbook {

namespace {

// What the events say of one step.
struct StepAccount {
  StepStatus status;
  std::size_t tries = 0, lock_tries = 0, failures = 0, undone = 0;
  std::string first_begun;
  const Event* done = nullptr;  // the last that ended it well
};

StepAccount account_of(const Step& step, const Account& account) {
  StepAccount result;
  if (const auto found = account.state.steps.find(step.id); found != account.state.steps.end()) {
    result.status = found->second;
  }
  for (const Event& event : account.events) {
    if (event.step != step.id) continue;
    switch (event.kind) {
      case EventKind::kStepIntent:
        ++result.tries;
        if (result.first_begun.empty()) result.first_begun = event.at;
        break;
      case EventKind::kStepBlocked: ++result.lock_tries; break;
      case EventKind::kStepFailed:
      case EventKind::kUndoFailed:
      case EventKind::kProofFailed: ++result.failures; break;
      case EventKind::kUndoDone: ++result.undone; break;
      case EventKind::kStepDone:
      case EventKind::kGateOpened: result.done = &event; break;
      default: break;
    }
  }
  return result;
}

bool is_done(const StepAccount& step) { return step.status.state == StepState::kDone && step.done != nullptr; }

std::string took(const StepAccount& step) {
  if (!is_done(step) || step.done->duration_ms < 0) return "";
  return humanize(std::chrono::milliseconds(step.done->duration_ms));
}

std::string expected(const Step& step) {
  if (step.gate) return "as long as it must";
  const std::optional<pg::TakenLock> lock = strongest(step.locks);
  return lock ? std::string(describe(lock->duration)) : "a moment";
}

// A statement of DDL says that it touched no row, which tells nothing.
bool has_rows(const Step& step, const StepAccount& of) {
  return of.status.rows > 0 || (of.status.rows == 0 && step.kind == StepKind::kBackfill);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string words_of(const std::string& text) {
  std::string words = text;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string outcome_of(const Account& account) {
  switch (account.state.state) {
    case RunPhaseState::kRunning: return "running, when the ledger was read";
    case RunPhaseState::kWaiting: return "waiting at a gate";
    case RunPhaseState::kPaused: return "stopped at a safe point; it can be carried on";
    case RunPhaseState::kFailed: return "failed; it can be carried on or rolled back";
    case RunPhaseState::kDone: return "done";
    case RunPhaseState::kRolledBack: return "rolled back";
  }
  return "";
}

// How many steps stand in which state.
std::string tally(const Plan& plan, const Account& account) {
  std::map<std::string, std::size_t> counts;
  for (const Step& step : plan.steps) ++counts[std::string(name(account_of(step, account).status.state))];
  std::string text;
  for (const auto& [state, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  return fmt::format("{} of {}", text, count_of(plan.steps.size(), "step", "steps"));
}

void add_gates(const Plan& plan, const Account& account, Outline& outline) {
  Table table{{{plain("Gate")}, {plain("What")}, {plain("Evidence")}, {plain("When")}, {plain("By")}}, {}};
  for (const Event& event : account.events) {
    const Step* const step = plan.step(event.step);
    if (step == nullptr || !step->gate || event.kind == EventKind::kStepIntent) continue;
    table.rows.push_back({{{Span::Kind::kCode, step->gate->name, anchor_of(plan, *step)}},
                          {plain(words_of(std::string(name(event.kind))))},
                          {plain(first_line(event.detail))},
                          {plain(event.at)},
                          {plain(event.actor)}});
  }
  outline.push_back(Heading{3, {plain("At the gates")}, "what-gates"});
  if (table.rows.empty()) {
    outline.push_back(Paragraph{{plain("No gate has been opened.")}});
  } else {
    outline.push_back(std::move(table));
  }
}

void add_steps_table(const Plan& plan, const Account& account, Outline& outline) {
  outline.push_back(Heading{3, {plain("Step by step, against the plan")}, "what-steps"});
  Table table{{{plain("Step")},
               {plain("State")},
               {plain("Ended")},
               {plain("Took")},
               {plain("Expected")},
               {plain("Rows")},
               {plain("Rows estimated")},
               {plain("Tries")}},
              {}};
  for (const Step& step : plan.steps) {
    const StepAccount of = account_of(step, account);
    Text title = {step_link(plan, step), plain(": " + step.title)};
    table.rows.push_back({std::move(title),
                          {plain(std::string(name(of.status.state)))},
                          {plain(of.status.ended_at)},
                          {plain(took(of))},
                          {plain(expected(step))},
                          {plain(has_rows(step, of) ? render_count(of.status.rows) : "")},
                          {plain(step.estimate.rows > 0 ? render_count(step.estimate.rows) : "")},
                          {plain(of.tries > 0 ? std::to_string(of.tries) : "")}});
  }
  outline.push_back(std::move(table));
}

bool is_trouble(EventKind kind) {
  switch (kind) {
    case EventKind::kStepFailed:
    case EventKind::kStepBlocked:
    case EventKind::kUndoFailed:
    case EventKind::kProofFailed:
    case EventKind::kProofCleared:
    case EventKind::kRunPaused:
    case EventKind::kLedgerRepaired: return true;
    default: return false;
  }
}

void add_trouble(const Plan& plan, const Account& account, Outline& outline) {
  outline.push_back(Heading{3, {plain("What did not go as planned")}, "what-trouble"});
  Bullets list;
  for (const Event& event : account.events) {
    if (!is_trouble(event.kind)) continue;
    Text item = {plain(fmt::format("{}: {}", event.at, words_of(std::string(name(event.kind)))))};
    if (const Step* const step = plan.step(event.step)) {
      append(item, {plain(", ")});
      append(item, reference(plan, *step));
    }
    if (!event.sqlstate.empty()) append(item, {plain(", SQLSTATE "), code(event.sqlstate)});
    if (!event.detail.empty()) append(item, {plain(": " + first_line(event.detail))});
    list.items.push_back(std::move(item));
  }
  if (list.items.empty()) {
    outline.push_back(Paragraph{{plain("Nothing: no step failed, no lock was refused, no run was stopped.")}});
  } else {
    outline.push_back(std::move(list));
  }
}

}  // namespace

void add_account(const Plan& plan, const Account& account, Outline& outline) {
  outline.push_back(Heading{2, {plain("What happened")}, "what-happened"});
  Table facts{{{}, {}}, {}};
  const auto fact = [&](const char* label, Text value) { facts.rows.push_back({{plain(label)}, std::move(value)}); };
  fact("Run", {code(account.record.run)});
  fact("State", {strong(outcome_of(account))});
  fact("Steps", {plain(tally(plan, account))});
  fact("Begun", {plain(fmt::format("{} by {}", account.record.created_at, account.record.created_by))});
  if (!account.events.empty()) {
    const Event& last = account.events.back();
    fact("Last event",
         {plain(fmt::format("{} by {}: {}", last.at, last.actor, words_of(std::string(name(last.kind)))))});
  }
  fact("Database", {code(account.record.database)});
  outline.push_back(std::move(facts));
  add_gates(plan, account, outline);
  add_steps_table(plan, account, outline);
  add_trouble(plan, account, outline);
}

void add_step_account(const Step& step, const Account& account, Outline& outline) {
  const StepAccount of = account_of(step, account);
  std::string text;
  if (is_done(of)) {
    text = fmt::format("done at {} by {}", of.done->at, of.done->actor);
    if (const std::string time = took(of); !time.empty()) text += ", in " + time;
    if (has_rows(step, of)) {
      text += fmt::format(", {}", count_of(static_cast<std::size_t>(of.status.rows), "row", "rows"));
      if (step.estimate.rows > 0) text += fmt::format(" where {} were estimated", render_count(step.estimate.rows));
    }
    if (step.gate && !of.done->detail.empty()) text += ", on " + first_line(of.done->detail);
  } else if (of.tries == 0 && of.undone == 0 && of.failures == 0) {
    text = "it has not run";
  } else {
    text = fmt::format("it is {}", name(of.status.state));
    if (!of.status.ended_at.empty()) text += " since " + of.status.ended_at;
    if (!of.status.last_error.empty()) text += ": " + first_line(of.status.last_error);
  }
  if (of.tries > 1) text += fmt::format("; begun {} times, first at {}", of.tries, of.first_begun);
  if (of.lock_tries > 0) text += "; " + count_of(of.lock_tries, "lock was refused", "locks were refused");
  if (of.failures > 0) text += "; " + count_of(of.failures, "failure", "failures");
  if (of.undone > 0) text += fmt::format("; undone {}", count_of(of.undone, "time", "times"));
  outline.push_back(Callout{Callout::Kind::kNote, {strong("What happened: "), plain(text + ".")}});
}

void add_record(const Plan& plan, const Account& account, Outline& outline) {
  outline.push_back(Heading{2, {plain("The record")}, "record"});
  Table table{{{plain("No")}, {plain("At")}, {plain("Event")}, {plain("Step")}, {plain("By")}, {plain("Detail")}}, {}};
  for (const Event& event : account.events) {
    if (event.kind == EventKind::kStepProgress) continue;
    const Step* const step = plan.step(event.step);
    table.rows.push_back({{plain(std::to_string(event.serial))},
                          {plain(event.at)},
                          {plain(words_of(std::string(name(event.kind))))},
                          step == nullptr ? Text{} : Text{step_link(plan, *step)},
                          {plain(event.actor)},
                          {plain(first_line(event.detail))}});
  }
  outline.push_back(std::move(table));
  if (account.events.empty()) return;
  const Event& last = account.events.back();
  outline.push_back(
      Paragraph{{plain(fmt::format("Reports of progress are left out. Event {} has the hash ", last.serial)),
                 code(last.hash), plain(", which covers every event before it: "), code("falsework history --verify"),
                 plain(" checks the chain.")}});
}

Badge badge_of(const Account& account) {
  switch (account.state.state) {
    case RunPhaseState::kDone: return {"Done", Badge::Tone::kGood};
    case RunPhaseState::kFailed: return {"Failed", Badge::Tone::kDanger};
    case RunPhaseState::kRolledBack: return {"Rolled back", Badge::Tone::kQuiet};
    case RunPhaseState::kWaiting: return {"Waiting at a gate", Badge::Tone::kGate};
    case RunPhaseState::kRunning: return {"Running", Badge::Tone::kLock};
    case RunPhaseState::kPaused: return {"Stopped", Badge::Tone::kGate};
  }
  return {};
}

Badge badge_of(const Step& step, const Account& account) {
  const StepAccount of = account_of(step, account);
  const std::string time = took(of);
  switch (of.status.state) {
    case StepState::kDone: return {time.empty() ? "done" : "done in " + time, Badge::Tone::kGood};
    case StepState::kFailed: return {"failed", Badge::Tone::kDanger};
    default: return {std::string(name(of.status.state)), Badge::Tone::kQuiet};
  }
}

}  // namespace falsework::runbook
