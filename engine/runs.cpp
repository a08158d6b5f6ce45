#include "engine/runs.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <functional>

#include "base/error_kinds.h"
#include "base/shell.h"
#include "base/suggest.h"
#include "executor/schedule.h"
#include "plans/opening.h"

namespace falsework {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

// Whether the engine `user@host (pid)` ran here and is gone. Of another machine nothing is known.
bool is_gone(const std::string& actor) {
  const std::size_t at = actor.rfind('@');
  const std::size_t open = actor.rfind(" (");
  if (at == std::string::npos || open == std::string::npos || open < at || actor.back() != ')') return false;
  if (actor.substr(at + 1, open - at - 1) != host_name()) return false;
  pid_t pid = 0;
  const char* end = actor.data() + actor.size() - 1;
  if (std::from_chars(actor.data() + open + 2, end, pid).ptr != end || pid <= 0) return false;
  return kill(pid, 0) != 0 && errno == ESRCH;
}

RunView view_of(const Ledger& ledger, const RunRecord& record) {
  RunView view{record, parse_plan(record.plan_text, record.run), {}};
  const std::vector<Event> events = ledger.events(record.run);
  view.state = fold(view.plan, events);
  if (view.state.state == RunPhaseState::kRunning && !events.empty() && is_gone(events.back().actor)) {
    view.state.state = RunPhaseState::kPaused;
  }
  return view;
}

std::string list(const std::vector<RunView>& runs) {
  std::vector<std::string> ids;
  for (const RunView& run : runs) ids.push_back(run.record.run);
  return fmt::format("{}", fmt::join(ids, ", "));
}

std::vector<RunView> chosen(const std::vector<RunView>& runs, const std::function<bool(const RunView&)>& wanted) {
  std::vector<RunView> result;
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(result), wanted);
  return result;
}

bool is_done(const RunState& state, const Step& step) {
  const auto found = state.steps.find(step.id);
  if (found == state.steps.end() || found->second.undoing) return false;
  return found->second.state == StepState::kDone || found->second.state == StepState::kSkipped;
}

// The gate at which a run stands; or, of a run that was stopped behind one, that gate: saying again that the release is
// out carries it on.
const Step* gate_at_hand(const RunView& run) {
  const Step* next = next_step(run.plan, run.state);
  const Step* gate = nullptr;
  for (const Step& step : run.plan.steps) {
    if (step.kind == StepKind::kGate) gate = &step;
    if (&step == next) return gate;
  }
  return nullptr;
}

bool waits_for(const RunView& run, const std::set<std::string>& releases) {
  const Step* gate = is_over(run.state) ? nullptr : gate_at_hand(run);
  if (gate == nullptr) return false;
  return std::any_of(gate->gate->conditions.begin(), gate->gate->conditions.end(), [&](const GateCondition& each) {
    return each.kind == GateCondition::Kind::kRelease && releases.contains(each.release);
  });
}

}  // namespace

bool is_over(const RunState& state) {
  return state.state == RunPhaseState::kDone || state.state == RunPhaseState::kRolledBack;
}

std::vector<RunView> all_runs(const Ledger& ledger) {
  std::vector<RunView> views;
  for (const RunRecord& record : ledger.runs()) views.push_back(view_of(ledger, record));
  return views;
}

RunView find_run(const Ledger& ledger, const std::string& word) {
  if (const std::optional<RunRecord> record = ledger.find_run(word)) return view_of(ledger, *record);
  const std::vector<RunView> all = all_runs(ledger);
  const auto named = chosen(all, [&](const RunView& run) { return run.record.name == word; });
  const auto active = chosen(named, [](const RunView& run) { return !is_over(run.state); });
  if (active.size() == 1) return active.front();
  if (active.empty() && named.size() == 1) return named.front();
  if (!named.empty()) {
    throw Error(errors::kRunUnknown, fmt::format("{} names {} runs: {}", word, named.size(), list(named)),
                "Name one of them by its id.");
  }
  std::vector<std::string> known;
  for (const RunView& run : all) {
    known.push_back(run.record.run);
    known.push_back(run.record.name);
  }
  const std::optional<std::string> near = nearest(word, known);
  throw Error(errors::kRunUnknown, fmt::format("there is no run {} in the ledger {}", word, ledger.path().string()),
              near ? fmt::format("Did you mean \"{}\"?", *near) : "List the runs with: falsework status.");
}

RunView only_active_run(const Ledger& ledger) {
  const auto active = chosen(all_runs(ledger), [](const RunView& run) { return !is_over(run.state); });
  if (active.size() == 1) return active.front();
  if (active.empty()) {
    throw Error(errors::kRunUnknown, fmt::format("no run of the ledger {} is under way", ledger.path().string()),
                "Start one with: falsework apply PLAN.");
  }
  throw Error(errors::kRunUnknown, fmt::format("{} runs are under way: {}", active.size(), list(active)),
              "Name the one that is meant, or a release that they wait for with --release.");
}

std::vector<RunView> runs_waiting_for(const Ledger& ledger, const std::set<std::string>& releases) {
  return chosen(all_runs(ledger), [&](const RunView& run) { return waits_for(run, releases); });
}

const Step* next_step(const Plan& plan, const RunState& state) {
  for (const Step& step : plan.steps) {
    if (!is_done(state, step)) return &step;
  }
  return nullptr;
}

const Step* gate_ahead(const Plan& plan, const RunState& state) {
  const Step* next = next_step(plan, state);
  return next != nullptr && next->kind == StepKind::kGate ? next : nullptr;
}

std::vector<std::string> waiting_for(const Plan& plan, const RunState& state) {
  std::vector<std::string> conditions;
  const Step* gate = is_over(state) ? nullptr : gate_ahead(plan, state);
  if (gate == nullptr) return conditions;
  // What the engine found when it last stood there; before that, everything.
  const bool looked = state.waiting.rfind(gate->id + ": ", 0) == 0 && state.state == RunPhaseState::kWaiting;
  for (const GateCondition& condition : gate->gate->conditions) {
    const std::string text = render_condition(condition);
    if (!looked || state.waiting.find(text) != std::string::npos) conditions.push_back(text);
  }
  if (conditions.empty()) conditions.emplace_back("advance");
  return conditions;
}

std::vector<const Step*> failed_proofs(const Plan& plan, const RunState& state) {
  std::vector<const Step*> failed;
  for (const Step& step : plan.steps) {
    const auto found = state.steps.find(step.id);
    if (found != state.steps.end() && found->second.proof_failed) failed.push_back(&step);
  }
  return failed;
}

Phase phase_of(const Plan& plan, const RunState& state) {
  const Step* next = next_step(plan, state);
  if (next != nullptr) return next->phase;
  return plan.steps.empty() ? Phase::kContract : plan.steps.back().phase;
}

Preview preview(const Plan& plan, const RunState& state, const AdvanceRequest& given) {
  Preview ahead;
  if (is_over(state)) return ahead;
  AdvanceRequest request = given;
  for (const Step* step : steps_to_run(plan, state, request.target)) {
    if (step->kind == StepKind::kGate) {
      const bool overridden = !request.override_gate.empty() &&
                              (request.override_gate == step->gate->name || request.override_gate == step->id);
      if (!request.open_gates || (!overridden && !missing(*step->gate, request).empty())) {
        ahead.closed_gate = step;
        return ahead;
      }
      // As in the executor: a person opens one gate at a time, unless the end was asked for.
      for (const GateCondition& condition : step->gate->conditions) {
        const bool by_person = condition.kind == GateCondition::Kind::kAdvance;
        if (by_person && request.target.kind != Target::Kind::kEnd) request.open_advance_gates = false;
      }
    }
    ahead.steps.push_back(step);
    ahead.irreversible = ahead.irreversible || step->irreversible;
  }
  return ahead;
}

std::string next_command(const std::string& run, const Plan& plan, const RunState& state) {
  if (is_over(state)) return {};
  if (!failed_proofs(plan, state).empty()) return fmt::format("falsework prove {} --reason TEXT", run);
  if (state.held_by_pause) return fmt::format("falsework resume {}", run);
  const Step* gate = gate_ahead(plan, state);
  std::string command = gate != nullptr ? opening_command(run, *gate->gate) : fmt::format("falsework advance {}", run);
  AdvanceRequest request;
  if (gate != nullptr) {
    request.open_advance_gates = true;
    for (const GateCondition& condition : gate->gate->conditions) {
      if (condition.kind != GateCondition::Kind::kRelease) continue;
      request.releases.insert(condition.release);
      request.open_advance_gates = false;
    }
  }
  if (preview(plan, state, request).irreversible) command += fmt::format(" --confirm {}", shell_word(plan.name));
  return command;
}

}  // namespace falsework
