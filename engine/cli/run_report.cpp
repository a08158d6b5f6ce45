#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/redact.h"
#include "engine/cli/report.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

// Bytes that are not UTF-8 cannot come from a plan, but from an error of the server's: they are replaced.
std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json progress_of(const Step& step, const StepStatus& status) {
  if (step.kind != StepKind::kBackfill || status.state == StepState::kPending) return nullptr;
  const Progress& progress = status.progress;
  Json json;
  json["rows"] = status.rows >= 0 ? status.rows : progress.rows;
  json["total"] = progress.total;
  json["rate"] = progress.rate;
  json["eta_s"] = progress.eta_s >= 0 ? Json(progress.eta_s) : Json(nullptr);
  json["throttled_by"] = progress.throttled_by;
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

Json result_json(const Result& result) {
  Json json = head_of(result.run);
  json["outcome"] = result.outcome ? Json(name(*result.outcome)) : Json(nullptr);
  json["next"] = next_command(result.run.record.run, result.run.plan, result.run.state);
  if (result.error) {
    json["error"]["code"] = result.error->code();
    json["error"]["message"] = redact(result.error->what());
    json["error"]["hint"] = redact(result.error->hint());
  } else {
    json["error"] = nullptr;
  }
  return json;
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
      return fmt::format("run {} is in phase {}, as far as was asked\nnext: {}", run,
                         falsework::name(phase_of(result.run.plan, result.run.state)), next);
    case Outcome::kRolledBack: return fmt::format("run {} is rolled back: the schema is as before", run);
    case Outcome::kNothingToDo:
      return fmt::format("run {} is {}: there is nothing to do", run, falsework::name(result.run.state.state));
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

std::string render_status_json(const std::vector<RunView>& runs) {
  Json json;
  json["runs"] = Json::array();
  for (const RunView& run : runs) {
    Json each = head_of(run);
    each["steps"] = steps_of(run);
    json["runs"].push_back(each);
  }
  return dump(json);
}

void print_results(Console& console, const std::vector<Result>& results) {
  if (console.json()) {
    Json json;
    json["results"] = Json::array();
    for (const Result& result : results) json["results"].push_back(result_json(result));
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

ExitCode settle_results(const std::vector<Result>& results, bool detailed) {
  bool at_gate = false;
  for (const Result& result : results) {
    if (result.error) return result.error->exit();
    at_gate = at_gate || result.outcome == Outcome::kAtGate;
  }
  return at_gate && detailed ? ExitCode::kAtGate : ExitCode::kDone;
}

}  // namespace falsework::cli
