#include <fmt/format.h>

#include "base/error_kinds.h"
#include "base/file.h"
#include "engine/cli/command.h"
#include "engine/cli/invocation.h"
#include "engine/cli/table_name.h"
#include "engine/runbook/words.h"

namespace falsework::cli {

namespace {

ExitCode run_snapshot(Invocation& invocation) {
  Console& console = invocation.console();
  std::vector<QualifiedName> tables;
  for (const std::string& word : invocation.arguments().words()) tables.push_back(parse_table_name(word));
  const pg::Snapshot snapshot = take_snapshot(invocation.connection(), tables);
  const std::string text = pg::render_snapshot(snapshot);
  const auto output = invocation.arguments().value("output");
  if (output) write_file(*output, text);
  if (!output || console.json()) {
    console.document(text);
  } else {
    console.line(fmt::format("wrote {}: {} and {} of {}", *output,
                             runbook::count_of(snapshot.tables.size(), "table", "tables"),
                             runbook::count_of(snapshot.views.size(), "view", "views"), snapshot.database));
  }
  return ExitCode::kDone;
}

}  // namespace

Command snapshot_command() {
  return {
      "snapshot",
      "save the catalog of a database, to plan from it where the database cannot be reached",
      "[TABLE...]",
      0,
      1000,
      {Needs::kDatabase},
      {{"output", 'o', "FILE", "write to this file; else to stdout"}},
      run_snapshot,
      {"falsework snapshot -d postgres://owner@db/shop -o shop.snapshot.json",
       "falsework snapshot users billing.orders"},
      "Tables are named as in SQL; what is tied to them comes along. Without any, the whole database. No row is read, "
      "and nothing is written to the database."};
}

}  // namespace falsework::cli
