#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/file.h"
#include "engine/cli/command.h"
#include "engine/cli/copy_report.h"
#include "engine/cli/invocation.h"
#include "engine/cli/numbers.h"
#include "engine/cli/report.h"
#include "executor/backfill/watch.h"

namespace falsework::cli {

namespace {

Plan make(Invocation& invocation) {
  const Arguments& arguments = invocation.arguments();
  const std::vector<std::filesystem::path> files(arguments.words().begin(), arguments.words().end());
  const auto snapshot = arguments.value("snapshot");
  if (!snapshot) return plan_from_server(files, invocation.connection());
  if (arguments.has("database")) {
    throw Error(errors::kUsage, "both --snapshot and --database are given",
                "A plan is made from the one or from the other.");
  }
  return plan_from_snapshot(files, *snapshot);
}

ExitCode run_plan(Invocation& invocation) {
  Console& console = invocation.console();
  const auto given = invocation.arguments().value("wal-rate");
  const std::int64_t rate = given ? wal_rate_of(*given) : CopyDefaults::kWalRate;
  const Plan plan = make(invocation);
  const std::string text = render_plan(plan);
  const auto output = invocation.arguments().value("output");
  if (output) write_file(*output, text);
  if (!output || console.json()) {
    console.document(text);
  } else {
    for (const CopyForecast& copy : forecast_copies(plan, rate)) console.line(describe_forecast(copy));
    console.line(summarize(plan, *output));
  }
  const bool has_work = !plan.steps.empty();
  return has_work && invocation.arguments().has("detailed-exitcode") ? ExitCode::kPlanHasWork : ExitCode::kDone;
}

}  // namespace

Command plan_command() {
  return {
      "plan",
      "turn declarations into a plan; never changes the database",
      "FILE...",
      1,
      1000,
      {Needs::kDatabase},
      {{"output", 'o', "PLAN", "write the plan to this file and a summary to stdout; else the plan to stdout"},
       {"snapshot", 0, "FILE", "plan from a saved snapshot instead of the database"},
       {"wal-rate", 0, "RATE", "forecast the copies at this rate: 500kB, 16MB; 0: without limit (default 32MB)"},
       {"detailed-exitcode", 0, "", "exit with 4 when the plan has something to do"}},
      run_plan,
      {"falsework plan users.sql -d postgres://owner@db/shop -o users.plan.json",
       "falsework plan users.json --snapshot shop.snapshot.json -o users.plan.json",
       "falsework plan users.sql orders.sql --json | jq '.steps[].id'"},
      "Several files are one migration. The same declarations and the same catalog give the same bytes. With -d the "
      "session is read-only; with --snapshot no database is needed at all.",
      "the database, or a snapshot of it"};
}

}  // namespace falsework::cli
