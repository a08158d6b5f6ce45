#include "engine/runbook/runbook.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "base/file.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/cli/measure.h"
#include "engine/runbook/account.h"

namespace falsework::cli {

namespace {

RunbookFormat format_of(const std::string& text) {
  if (const auto format = parse_runbook_format(text)) return *format;
  throw Error(errors::kUsage, fmt::format("{} is no format of a runbook", text),
              "Use --format md, html, mermaid or dot.");
}

// With measured facts only where a database is named: a runbook does not change because an environment variable is set.
std::optional<runbook::Measured> measured(Invocation& invocation, const Plan& plan) {
  if (!invocation.arguments().has("database")) return std::nullopt;
  SystemClock clock;
  return measure(plan, invocation.connection(), clock);
}

// A plan's file, or a run of the ledger by its id or name.
std::string render(Invocation& invocation, const std::string& word, RunbookFormat format) {
  if (names_file(word) || !invocation.has_ledger()) {
    const Plan plan = load_plan(word).plan;
    const auto facts = measured(invocation, plan);
    return render_runbook(plan, format, {nullptr, facts ? &*facts : nullptr});
  }
  const RunView run = find_run(invocation.ledger(), word);
  const runbook::Account account{run.record, run.state, invocation.ledger().events(run.record.run)};
  const auto facts = measured(invocation, run.plan);
  return render_runbook(run.plan, format, {&account, facts ? &*facts : nullptr});
}

ExitCode run_runbook(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  Console& console = invocation.console();
  const std::string format = arguments.value("format").value_or("md");
  const RunbookFormat parsed = format_of(format);
  const std::string text = render(invocation, *arguments.word(0), parsed);
  const auto output = arguments.value("output");
  if (output) write_file(*output, text);
  if (console.json()) {
    nlohmann::ordered_json json;
    json["format"] = format;
    json["file"] = output ? nlohmann::ordered_json(*output) : nlohmann::ordered_json(nullptr);
    json["text"] = text;
    console.document(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else if (!output) {
    console.document(text);
  } else {
    console.line(fmt::format("wrote {}", *output));
  }
  return ExitCode::kDone;
}

}  // namespace

Command runbook_command() {
  return {
      "runbook",
      "write the document that a reviewer reads before anything runs, or the record of a run",
      "PLAN|RUN",
      1,
      1,
      {Needs::kLedger, Needs::kDatabase},
      {{"format", 0, "FORMAT",
        "md (default) or html, the whole document; mermaid or dot, the graph of its steps alone"},
       {"output", 'o', "FILE", "write to this file; else to stdout"}},
      run_runbook,
      {"falsework runbook users.plan.json -o users.md", "falsework runbook users.plan.json --format html -o users.html",
       "falsework runbook users-1f0c2ab4 --format html -o record.html"},
      "Of a plan it is made from the plan alone; a plan that was changed after it was made is refused. Of a run, named "
      "by its id or its migration, it is the same document with what happened: who, when, durations and rows against "
      "the plan's, retries, and the evidence at each gate. With -d it adds what the database says now.",
      "nothing but the plan; the ledger for a run"};
}

}  // namespace falsework::cli
