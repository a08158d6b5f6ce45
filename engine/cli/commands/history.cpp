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
  std::vector<std::vector<std::string>> rows{
      {"NO", "AT", "WHO", "RUN", "EVENT", "STEP", "TOOK", "ROWS", "SQLSTATE", ""}};
  for (const Event& event : events) {
    rows.push_back({std::to_string(event.serial), event.at, event.actor, event.run, std::string(name(event.kind)),
                    event.step, event.duration_ms >= 0 ? fmt::format("{} ms", event.duration_ms) : "",
                    event.rows >= 0 ? std::to_string(event.rows) : "", event.sqlstate,
                    event.detail.substr(0, event.detail.find('\n'))});
  }
  console.table(rows);
}

// Of the ledger first, then of the journal; in each the first broken entry stands first.
std::vector<std::string> find_problems(Invocation& invocation, bool with_journal) {
  std::vector<std::string> problems = invocation.ledger().verify_chain();
  if (!with_journal) return problems;
  for (const std::string& problem : verify_journal(invocation.connection(), invocation.ledger())) {
    problems.push_back(fmt::format("journal: {}", problem));
  }
  return problems;
}

ExitCode run_history(Invocation& invocation) {
  Console& console = invocation.console();
  const std::vector<Event> events = events_of(invocation);
  const bool verify = invocation.arguments().has("verify");
  const bool with_journal = verify && invocation.database_is_named();
  const std::vector<std::string> problems =
      verify ? find_problems(invocation, with_journal) : std::vector<std::string>{};
  if (console.json()) {
    Json json;
    json["events"] = Json::array();
    for (const Event& event : events) json["events"].push_back(render(event));
    if (verify) {
      json["problems"] = problems;
      json["journal_verified"] = with_journal;
    }
    console.document(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  } else {
    print_table(console, events);
    for (const std::string& problem : problems) console.line(fmt::format("problem: {}", problem));
    if (verify && problems.empty()) {
      console.line(with_journal ? "the chains of ledger and journal are whole" : "the chain of events is whole");
    }
  }
  if (verify && !with_journal) console.note("the journal was not looked at: name its database with -d");
  return problems.empty() ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace

Command history_command() {
  return {"history",
          "list what has happened in a run, or in all",
          "[RUN]",
          0,
          1,
          {Needs::kLedger, Needs::kDatabase},
          {{"verify", 0, "",
            "check that nothing was changed, removed or exchanged in the ledger, and with -d in the journal; exit with "
            "5 when something was"}},
          run_history,
          {"falsework history users", "falsework history --verify -d postgres://owner@db/shop",
           "falsework history users --json | jq '.events[-1]'"},
          {},
          "the ledger; the database for --verify of the journal"};
}

}  // namespace falsework::cli
