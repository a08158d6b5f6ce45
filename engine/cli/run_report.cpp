#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/redact.h"
#include "engine/cli/archive_report.h"
#include "engine/cli/copy_report.h"
#include "engine/cli/preflight_report.h"
#include "engine/cli/report.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

// Bytes that are not UTF-8 cannot come from a plan, but from an error of the server's: they are replaced.
std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json build_progress_of(const Progress& progress) {
  Json json;
  json["phase"] = progress.phase;
  json["rows"] = progress.rows;
  json["total"] = progress.total;
  json["blocks"] = progress.blocks;
  json["total_blocks"] = progress.total_blocks;
  json["eta_s"] = progress.eta_s >= 0 ? Json(progress.eta_s) : Json(nullptr);
  json["waits_for"] = progress.throttled_by;
  return json;
}

Json progress_of(const Step& step, const StepStatus& status) {
  const Progress& progress = status.progress;
  if (step.kind == StepKind::kConcurrent && status.state == StepState::kRunning && !progress.phase.empty()) {
    return build_progress_of(progress);
  }
  if (step.kind != StepKind::kBackfill || status.state == StepState::kPending) return nullptr;
  Json json;
  json["rows"] = status.rows >= 0 ? status.rows : progress.rows;
  json["total"] = progress.total;
  json["rate"] = progress.rate;
  json["eta_s"] = progress.eta_s >= 0 ? Json(progress.eta_s) : Json(nullptr);
  json["throttled_by"] = progress.throttled_by;
  json["blocks"] = progress.blocks;
  json["total_blocks"] = progress.total_blocks;
  json["workers"] = progress.workers;
  json["wal_rate"] = progress.wal_rate;
  json["hot_share"] = progress.hot_share >= 0 ? Json(progress.hot_share) : Json(nullptr);
  json["signals"] = signals_json(progress);
  return json;
}

Json steps_of(const RunView& run) {
  Json steps = Json::array();
  for (const Step& step : run.plan.steps) {
    const auto found = run.state.steps.find(step.id);
    const StepStatus status = found == run.state.steps.end() ? StepStatus{} : found->second;
    Json json;
    json["id"] = step.id;
    json["phase"] = falsework::name(step.phase);
    json["kind"] = falsework::name(step.kind);
    json["state"] = falsework::name(status.state);
    json["attempts"] = status.attempts;
    json["progress"] = progress_of(step, status);
    json["error"] = status.last_error.empty() ? Json(nullptr) : Json(redact(status.last_error));
    steps.push_back(json);
  }
  return steps;
}

Json head_of(const RunView& run) {
  Json json;
  json["run"] = run.record.run;
  json["name"] = run.record.name;
  json["database"] = run.record.database;
  json["state"] = falsework::name(run.state.state);
  json["phase"] = falsework::name(phase_of(run.plan, run.state));
  json["waiting_for"] = waiting_for(run.plan, run.state);
  return json;
}

// Without a look at the database, the conditions alone: nobody knows then whether they hold.
Json gate_of(const RunView& run, const GateReport& report) {
  const Step* gate = is_over(run.state) ? nullptr : gate_ahead(run.plan, run.state);
  if (gate == nullptr) return nullptr;
  Json json;
  json["step"] = gate->id;
  json["name"] = gate->gate->name;
  json["looked"] = report.view.has_value();
  json["problem"] = report.problem;
  json["conditions"] = Json::array();
  for (std::size_t i = 0; i < gate->gate->conditions.size(); ++i) {
    const GateCondition& condition = gate->gate->conditions[i];
    const ConditionView* seen = report.view ? &report.view->conditions.at(i) : nullptr;
    Json each;
    each["condition"] = render_condition(condition);
    each["kind"] = falsework::name(condition.kind);
    each["met"] = seen != nullptr && seen->known ? Json(seen->met) : Json(nullptr);
    each["value"] = seen != nullptr ? seen->value : "";
    each["missing"] = seen != nullptr ? seen->missing : "";
    json["conditions"].push_back(each);
  }
  return json;
}

Json result_json(const RunView& run, const Json& outcome, const std::optional<Error>& error,
                 const std::optional<Preflight>& preflight = std::nullopt) {
  Json json = head_of(run);
  json["outcome"] = outcome;
  json["next"] = next_command(run.record.run, run.plan, run.state);
  if (error) {
    json["error"]["code"] = error->code();
    json["error"]["message"] = redact(error->what());
    json["error"]["hint"] = redact(error->hint());
  } else {
    json["error"] = nullptr;
  }
  json["preflight"] = json_of(preflight);
  return json;
}

std::string_view word_of(LedgerStanding standing) {
  switch (standing) {
    case LedgerStanding::kKeeps: return "keeps";
    case LedgerStanding::kOtherLineage: return "other_lineage";
    case LedgerStanding::kOlder: return "older_copy";
    case LedgerStanding::kParted: return "parted_copy";
  }
  FALSEWORK_CHECK(false);
}

std::string_view why_of(LedgerStanding standing) {
  switch (standing) {
    case LedgerStanding::kKeeps: return "this ledger keeps it already";
    case LedgerStanding::kOtherLineage: return "another ledger keeps it";
    case LedgerStanding::kOlder: return "this ledger is an older copy of the one that keeps it";
    case LedgerStanding::kParted: return "this ledger is a copy that went another way";
  }
  FALSEWORK_CHECK(false);
}

std::string sentence(const Result& result) {
  const std::string& run = result.run.record.run;
  const std::string next = next_command(run, result.run.plan, result.run.state);
  const auto waiting = waiting_for(result.run.plan, result.run.state);
  switch (*result.outcome) {
    case Outcome::kDone: return fmt::format("run {} is done: the schema is as declared", run);
    case Outcome::kAtGate:
      return fmt::format("run {} waits at {} for {}\nnext: {}", run, gate_ahead(result.run.plan, result.run.state)->id,
                         fmt::join(waiting, ", "), next);
    case Outcome::kTargetReached:
      return fmt::format("run {} stands where it was to stop, before {}\nnext: {}", run,
                         next_step(result.run.plan, result.run.state)->id, next);
    case Outcome::kRolledBack: return fmt::format("run {} is rolled back: the schema is as before", run);
    case Outcome::kNothingToDo:
      if (!is_over(result.run.state)) {
        return fmt::format("run {} has done nothing of what was to be undone\nnext: {}", run, next);
      }
      return fmt::format("run {} is {}: there is nothing to do", run,
                         result.run.state.state == RunPhaseState::kDone ? "done" : "rolled back");
  }
  return {};
}

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone: return "done";
    case Outcome::kAtGate: return "at_gate";
    case Outcome::kTargetReached: return "target_reached";
    case Outcome::kRolledBack: return "rolled_back";
    case Outcome::kNothingToDo: return "nothing_to_do";
  }
  FALSEWORK_CHECK(false);
}

std::string render_status_json(const std::vector<RunView>& runs, const std::vector<GateReport>& gates,
                               const std::vector<std::optional<std::vector<ArchiveView>>>& archives) {
  FALSEWORK_CHECK(runs.size() == gates.size() && runs.size() == archives.size());
  Json json;
  json["runs"] = Json::array();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Json each = head_of(runs[i]);
    each["waiting_for"] = awaited(runs[i], gates[i]);
    each["steps"] = steps_of(runs[i]);
    each["gate"] = gate_of(runs[i], gates[i]);
    each["archives"] = archives[i] ? json_of(*archives[i]) : Json(nullptr);
    json["runs"].push_back(each);
  }
  return dump(json);
}

std::vector<std::string> awaited(const RunView& run, const GateReport& report) {
  if (!report.view) return waiting_for(run.plan, run.state);
  std::vector<std::string> unmet = report.view->unmet();
  if (unmet.empty()) unmet.emplace_back("advance");
  return unmet;
}

std::vector<std::string> describe_gate(const RunView& run, const GateReport& report) {
  const Step* gate = is_over(run.state) ? nullptr : gate_ahead(run.plan, run.state);
  if (gate == nullptr) return {};
  if (!report.view) {
    if (report.problem.empty()) return {};
    return {fmt::format("{} cannot be looked at: {}", gate->id, report.problem)};
  }
  std::vector<std::string> lines{fmt::format("{}:", gate->id)};
  for (const ConditionView& each : report.view->conditions) {
    lines.push_back(fmt::format("  {} {}: {}", each.met ? "[x]" : "[ ]", each.condition, each.value));
    if (!each.met) lines.push_back(fmt::format("      missing: {}", each.missing));
  }
  return lines;
}

void print_results(Console& console, const std::vector<Result>& results) {
  if (console.json()) {
    Json json;
    json["results"] = Json::array();
    for (const Result& result : results) {
      const Json outcome = result.outcome ? Json(name(*result.outcome)) : Json(nullptr);
      json["results"].push_back(result_json(result.run, outcome, result.error, result.preflight));
    }
    console.document(dump(json));
    return;
  }
  for (const Result& result : results) {
    if (result.outcome) {
      console.line(sentence(result));
    } else {
      console.note(
          fmt::format("run {}: {}\nhint: {}", result.run.record.run, result.error->what(), result.error->hint()));
    }
  }
}

std::string describe_journaled(const JournaledRun& run) {
  const std::string holder =
      run.entry.holder.empty() ? "" : fmt::format(", last held by {} at {}", run.entry.holder, run.entry.held_since);
  return fmt::format("run {} ({}{}) is adopted: {}", run.entry.run, run.entry.state, holder, why_of(run.standing));
}

std::string render_journaled_json(const std::vector<JournaledRun>& runs) {
  Json json;
  json["dry_run"] = Json::array();
  for (const JournaledRun& run : runs) {
    Json each;
    each["run"] = run.entry.run;
    each["name"] = run.entry.name;
    each["state"] = run.entry.state;
    each["lineage"] = run.entry.lineage;
    each["holder"] = run.entry.holder;
    each["held_since"] = run.entry.held_since.empty() ? Json(nullptr) : Json(run.entry.held_since);
    each["ledger"] = word_of(run.standing);
    each["outcome"] = run.standing == LedgerStanding::kKeeps ? "kept" : "adopted";
    json["dry_run"].push_back(each);
  }
  return dump(json);
}

void print_adopted(Console& console, const std::vector<Adopted>& adopted) {
  if (console.json()) {
    Json json;
    json["results"] = Json::array();
    for (const Adopted& each : adopted) {
      const Json outcome = each.outcome.empty() ? Json(nullptr) : Json(each.outcome);
      json["results"].push_back(result_json(each.run, outcome, each.error));
    }
    console.document(dump(json));
    return;
  }
  for (const Adopted& each : adopted) {
    const std::string& run = each.run.record.run;
    if (each.error) {
      console.note(fmt::format("run {}: {}\nhint: {}", run, each.error->what(), each.error->hint()));
      continue;
    }
    const std::string next = next_command(run, each.run.plan, each.run.state);
    console.line(fmt::format(
        "run {} is {}: it is {} in phase {}{}", run, each.outcome, falsework::name(each.run.state.state),
        falsework::name(phase_of(each.run.plan, each.run.state)), next.empty() ? "" : fmt::format("\nnext: {}", next)));
  }
  if (adopted.empty()) console.line("there is nothing to adopt: the journal has no run");
}

ExitCode settle_results(const std::vector<Result>& results, bool detailed) {
  bool at_gate = false;
  for (const Result& result : results) {
    if (result.error) return result.error->exit();
    at_gate = at_gate || result.outcome == Outcome::kAtGate;
  }
  return at_gate && detailed ? ExitCode::kAtGate : ExitCode::kDone;
}

}  // namespace falsework::cli
