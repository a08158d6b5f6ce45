#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/gates.h"

namespace falsework::cli {

namespace {

std::string required(const Arguments& arguments, std::string_view option, std::string_view example) {
  const auto value = arguments.value(option);
  if (!value || value->empty()) {
    throw Error(errors::kUsage, fmt::format("--{} is missing", option), fmt::format("Write it as in: {}.", example));
  }
  return *value;
}

Voice voice_of(Invocation& invocation, const Clock& clock) {
  return {invocation.ledger(), clock, invocation.connection(), invocation.actor_here()};
}

ExitCode report(Console& console, const RunView& run, const std::string& gate, const std::string& what) {
  if (console.json()) {
    nlohmann::ordered_json json;
    json["run"] = run.record.run;
    json["gate"] = gate_named(run.plan, gate).id;
    json["plan_digest"] = run.plan.digest;
    json["recorded"] = what;
    console.document(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  } else {
    console.line(fmt::format("run {}, gate {}: {}\nplan digest: {}", run.record.run, gate_named(run.plan, gate).id,
                             what, run.plan.digest));
  }
  return ExitCode::kDone;
}

ExitCode run_approve(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  const RunView run = find_run(invocation.ledger(), *arguments.word(0));
  const std::string gate = required(arguments, "gate", "falsework approve users --gate contract");
  const std::string name = arguments.value("as").value_or(invocation.user());
  if (name.empty()) throw Error(errors::kUsage, "--as is empty", "Name who approves.");
  const SystemClock clock;
  approve(voice_of(invocation, clock), run, gate, name, arguments.value("comment").value_or(""));
  return report(invocation.console(), run, gate, fmt::format("approved by {}", name));
}

ExitCode run_acknowledge(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  constexpr std::string_view kExample = "falsework acknowledge users --gate contract --backup nightly-0412";
  const RunView run = find_run(invocation.ledger(), *arguments.word(0));
  const std::string gate = required(arguments, "gate", kExample);
  const std::string reference = required(arguments, "backup", kExample);
  const SystemClock clock;
  acknowledge_backup(voice_of(invocation, clock), run, gate, reference, arguments.value("taken-at").value_or(""),
                     arguments.value("comment").value_or(""));
  return report(invocation.console(), run, gate, fmt::format("backup {} is acknowledged", reference));
}

}  // namespace

Command approve_command() {
  return {
      "approve",
      "approve the plan of a run, for a gate that waits for it",
      "RUN",
      1,
      1,
      {Needs::kDatabase, Needs::kLedger},
      {{"gate", 0, "GATE", "the gate, by its name or its step"},
       {"as", 0, "NAME", "who approves; else the user who types it"},
       {"comment", 0, "TEXT", "a remark that is kept with it"}},
      run_approve,
      {"falsework approve users --gate contract", "falsework approve users --gate contract --as mia --comment OPS-812"},
      "It is kept with the name, the time and the digest of the plan, and counts for that plan alone. Where what lies "
      "behind the gate cannot be undone, the author of the migration and who started the run cannot approve."};
}

Command acknowledge_command() {
  return {"acknowledge",
          "say that there is a backup, for a gate that waits for one",
          "RUN",
          1,
          1,
          {Needs::kDatabase, Needs::kLedger},
          {{"gate", 0, "GATE", "the gate, by its name or its step"},
           {"backup", 0, "REFERENCE", "what the backup is called where it is kept"},
           {"taken-at", 0, "TIME", "when it was taken, as in 2026-12-01T03:00:00Z; else now"},
           {"comment", 0, "TEXT", "a remark that is kept with it"}},
          run_acknowledge,
          {"falsework acknowledge users --gate contract --backup nightly-0412 --taken-at 2026-12-01T03:00:00Z"},
          "Falsework makes no backup and does not look for it: somebody answers for it, by name."};
}

}  // namespace falsework::cli
