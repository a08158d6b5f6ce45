#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/cli/command.h"
#include "engine/cli/invocation.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

std::vector<Event> events_of(Invocation& invocation) {
  Ledger& ledger = invocation.ledger();
  if (const auto word = invocation.arguments().word(0)) return ledger.events(find_run(ledger, *word).record.run);
  std::vector<Event> events;
  for (const RunRecord& run : ledger.runs()) {
    for (Event& event : ledger.events(run.run)) events.push_back(std::move(event));
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.serial < b.serial; });
  return events;
}

Json render(const Event& event) {
  Json json;
  json["serial"] = event.serial;
  json["at"] = event.at;
  json["run"] = event.run;
  json["event"] = name(event.kind);
  json["step"] = event.step.empty() ? Json(nullptr) : Json(event.step);
  json["generation"] = event.generation;
  json["epoch"] = event.epoch;
  json["actor"] = event.actor;
  json["rows"] = event.rows >= 0 ? Json(event.rows) : Json(nullptr);
  json["duration_ms"] = event.duration_ms >= 0 ? Json(event.duration_ms) : Json(nullptr);
  json["sqlstate"] = event.sqlstate.empty() ? Json(nullptr) : Json(event.sqlstate);
  json["detail"] = event.detail;
  json["hash"] = event.hash;
  return json;
}

void print_table(Console& console, const std::vector<Event>& events) {
  std::vector<std::vector<std::string>> rows{{"NO", "AT", "RUN", "EVENT", "STEP", ""}};
  for (const Event& event : events) {
    rows.push_back({std::to_string(event.serial), event.at, event.run, std::string(name(event.kind)), event.step,
                    event.detail.substr(0, event.detail.find('\n'))});
  }
  console.table(rows);
}

ExitCode run_history(Invocation& invocation) {
  Console& console = invocation.console();
  const std::vector<Event> events = events_of(invocation);
  const bool verify = invocation.arguments().has("verify");
  const std::vector<std::string> problems = verify ? invocation.ledger().verify_chain() : std::vector<std::string>{};
  if (console.json()) {
    Json json;
    json["events"] = Json::array();
    for (const Event& event : events) json["events"].push_back(render(event));
    if (verify) json["problems"] = problems;
    console.document(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    print_table(console, events);
    for (const std::string& problem : problems) console.line(fmt::format("problem: {}", problem));
    if (verify && problems.empty()) console.line("the chain of events is whole");
  }
  return problems.empty() ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace

Command history_command() {
  return {
      "history",
      "list what has happened in a run, or in all",
      "[RUN]",
      0,
      1,
      {Needs::kLedger},
      {{"verify", 0, "", "check that no event was changed or removed; exit with 5 when one was"}},
      run_history,
      {"falsework history users", "falsework history --verify", "falsework history users --json | jq '.events[-1]'"},
      {}};
}

}  // namespace falsework::cli
