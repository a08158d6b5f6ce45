#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "engine/cli/archive_report.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/health.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormatVersion = 1;

pg::Severity least_of(const Arguments& arguments) {
  const std::string text = arguments.value("level").value_or("notice");
  for (const pg::Severity severity : {pg::Severity::kNotice, pg::Severity::kWarning, pg::Severity::kError}) {
    if (pg::name(severity) == text) return severity;
  }
  throw Error(errors::kUsage, fmt::format("--level {} is no severity", text),
              "The severities are: notice, warning, error.");
}

void check_usage(const Arguments& arguments) {
  if (arguments.has("fix")) return;
  for (const char* option : {"dry-run", "yes", "lock-timeout", "lock-budget"}) {
    if (!arguments.has(option)) continue;
    throw Error(errors::kUsage, fmt::format("--{} is given without --fix", option),
                "Without --fix nothing is changed; add it, or leave the other out.");
  }
}

Json json_of(const HealthItem& item) {
  const pg::HealthFinding& finding = item.finding;
  Json json;
  json["code"] = finding.code;
  json["severity"] = pg::name(finding.severity);
  json["schema"] = finding.relation.schema;
  json["relation"] = finding.relation.name;
  json["object"] = finding.object.empty() ? Json(nullptr) : Json(finding.object);
  json["message"] = finding.message;
  json["consequence"] = finding.consequence;
  json["hint"] = finding.hint;
  json["ours"] = finding.ours;
  json["run"] = item.run.empty() ? Json(nullptr) : Json(item.run);
  json["fixable"] = item.fixable;
  json["fix"] = item.fixable ? Json(finding.fix) : Json(nullptr);
  json["fixed"] = item.fixed;
  json["failure"] = item.failure.empty() ? Json(nullptr) : Json(item.failure);
  return json;
}

std::string render_json(const HealthReport& report) {
  Json json;
  json["format_version"] = kFormatVersion;
  json["database"] = report.database;
  json["server_version"] = report.server_version;
  json["journal_unread"] = report.journal_unread.empty() ? Json(nullptr) : Json(report.journal_unread);
  json["findings"] = Json::array();
  for (const HealthItem& item : report.items) json["findings"].push_back(json_of(item));
  json["archives"] = cli::json_of(report.archives);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print(Console& console, const HealthReport& report) {
  if (console.json()) return console.document(render_json(report));
  if (!report.journal_unread.empty()) {
    console.note(fmt::format("the runs of this database are not known: {}", report.journal_unread));
  }
  if (report.items.empty()) console.line(fmt::format("nothing was found in {}", report.database));
  for (const HealthItem& item : report.items) {
    const pg::HealthFinding& finding = item.finding;
    console.line(fmt::format("{} {}: {}", pg::name(finding.severity), finding.code, finding.message));
    if (item.fixed) {
      console.line("  fixed");
      continue;
    }
    console.line(fmt::format("  {}\n  {}", finding.consequence, finding.hint));
    if (!item.failure.empty()) console.line(fmt::format("  not fixed: {}", item.failure));
  }
  for (const ArchiveView& archive : report.archives) console.line(describe(archive));
}

// What --fix would do. Returns whether there is anything.
bool announce(Console& console, const HealthReport& report) {
  bool any = false;
  for (const HealthItem& item : report.items) {
    if (!item.fixable) continue;
    any = true;
    if (item.finding.fix.empty()) console.note(fmt::format("would close run {}", item.finding.object));
    for (const std::string& sql : item.finding.fix) console.note(fmt::format("would run: {}", sql));
  }
  return any;
}

void agree(Invocation& invocation) {
  if (invocation.arguments().has("yes")) return;
  if (!Console::can_ask()) {
    throw Error(errors::kUsage, "there is no terminal to ask on, and --yes is not given",
                "See what it would do with: falsework check --fix --dry-run; then give --yes.");
  }
  const std::string answer = invocation.console().ask("Go on? [y/N]");
  if (answer == "y" || answer == "Y" || answer == "yes") return;
  throw Error(errors::kConfirmationMissing, "the removal was not agreed to", "Nothing was changed.");
}

void fix(Invocation& invocation, HealthReport& report, const Ledger* ledger) {
  const Arguments& arguments = invocation.arguments();
  if (!announce(invocation.console(), report) || arguments.has("dry-run")) return;
  agree(invocation);
  RepairSettings settings;
  settings.lock_timeout = arguments.duration("lock-timeout").value_or(settings.lock_timeout);
  settings.lock_budget = arguments.duration("lock-budget").value_or(settings.lock_budget);
  settings.actor = invocation.executor_options().actor;
  settings.blocked = [&](const std::vector<std::string>& blockers) {
    for (const std::string& line : blockers) invocation.console().note("waiting: " + line);
  };
  SystemClock clock;
  repair(report, invocation.connection(), ledger, settings, clock);
}

ExitCode run_check(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  check_usage(arguments);
  const Ledger* ledger = invocation.has_ledger() ? &invocation.ledger() : nullptr;
  HealthReport report =
      check_health(invocation.connection(), {arguments.values("schema"), least_of(arguments)}, ledger);
  if (arguments.has("fix")) fix(invocation, report, ledger);
  print(invocation.console(), report);
  const bool clean = std::all_of(report.items.begin(), report.items.end(), [](const HealthItem& i) { return i.fixed; });
  return clean ? ExitCode::kDone : ExitCode::kFindings;
}

}  // namespace

Command check_command() {
  return {"check",
          "look at the health of a database: what is broken, unproven, left over or missing",
          "",
          0,
          0,
          {Needs::kDatabase, Needs::kLedger},
          {{"schema", 0, "NAME", "look into this schema alone", true},
           {"level", 0, "SEVERITY", "tell only of findings from this severity on: notice (default), warning, error"},
           {"fix", 0, "", "remove what runs of Falsework left and no run under way uses"},
           {"dry-run", 0, "", "with --fix: show what would be removed, and do nothing"},
           {"yes", 'y', "", "with --fix: do not ask; needed where there is no terminal"},
           {"lock-timeout", 0, "TIME", "with --fix: how long one try may wait for a lock (default 500ms)"},
           {"lock-budget", 0, "TIME", "with --fix: how long all tries for one object may take together (default 10m)"}},
          run_check,
          {"falsework check -d postgres://owner@db/shop", "falsework check --schema billing --level warning --json",
           "falsework check --fix --dry-run"},
          "Exits with 5 when something is found, with 0 when nothing is, or all of it was removed. Any role may ask; "
          "it reads the catalog alone. Archives of runs are listed as well, and are no findings. Only what bears a "
          "name that Falsework gives is ever removed.",
          "the database"};
}

}  // namespace falsework::cli
