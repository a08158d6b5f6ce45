#include "engine/cli/preflight_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "base/size.h"

namespace falsework::cli {

namespace {

std::optional<std::int64_t> free_disk_of(const Arguments& arguments) {
  const auto text = arguments.value("free-disk");
  if (!text) return std::nullopt;
  const std::optional<std::int64_t> size = parse_size(*text);
  if (size) return size;
  throw Error(errors::kUsage, fmt::format("--free-disk {} is no size", *text),
              "Write a number and a unit, as in 512MB, 200GB or 2TB.");
}

bool is_go(const Preflight& preflight) {
  return std::all_of(preflight.findings.begin(), preflight.findings.end(), [](const PreflightFinding& finding) {
    return finding.severity == PreflightFinding::Severity::kWarning;
  });
}

}  // namespace

std::vector<Option> preflight_options() {
  return {
      {"accept", 0, "CODE", "go on in spite of this finding of the look before: disk.short, replication.lag, …", true},
      {"free-disk", 0, "SIZE", "how much is free on the server's disk, where it cannot be seen: 200GB"},
  };
}

std::optional<Preflight> look_before(Invocation& invocation, const Task& task) {
  if (task.intention.undo || task.intention.steps.empty()) return std::nullopt;
  const Arguments& arguments = invocation.arguments();
  const ExecutorOptions options = invocation.executor_options();
  PreflightQuestion question;
  question.plan = task.run.plan;
  question.ahead = task.intention.steps;
  if (!task.run.record.run.empty()) question.run = &task.run.record;
  if (invocation.has_ledger()) question.ledger = &invocation.ledger();
  question.lock_budget = options.lock_budget.value_or(question.lock_budget);
  question.terminate_blockers = options.terminate_blockers;
  question.allow_superuser = options.allow_superuser;
  for (const std::string& code : arguments.values("accept")) question.accepted.insert(code);
  question.free_disk = free_disk_of(arguments);
  return preflight(invocation.connection(), question);
}

nlohmann::ordered_json json_of(const std::optional<Preflight>& preflight) {
  using Json = nlohmann::ordered_json;
  if (!preflight) return nullptr;
  Json json;
  json["go"] = is_go(*preflight);
  json["measures"] = Json::array();
  for (const Measure& measure : preflight->measures) {
    json["measures"].push_back({{"name", measure.name}, {"value", measure.value}});
  }
  json["findings"] = Json::array();
  for (const PreflightFinding& finding : preflight->findings) {
    Json each;
    each["code"] = finding.code;
    each["severity"] = name(finding.severity);
    each["message"] = finding.message;
    each["consequence"] = finding.consequence;
    each["hint"] = finding.hint;
    each["acceptable"] = finding.acceptable;
    json["findings"].push_back(each);
  }
  return json;
}

std::string describe(const Preflight& preflight, bool measures) {
  std::string text;
  if (measures) {
    for (const Measure& measure : preflight.measures) text += fmt::format("{}: {}\n", measure.name, measure.value);
  }
  for (const PreflightFinding& finding : preflight.findings) {
    text += fmt::format("{} {}: {}\n  {}\n  {}\n", name(finding.severity), finding.code, finding.message,
                        finding.consequence, finding.hint);
  }
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace falsework::cli
