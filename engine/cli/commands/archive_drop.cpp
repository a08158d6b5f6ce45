#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "engine/archives.h"
#include "engine/cli/archive_report.h"
#include "engine/cli/command.h"
#include "engine/cli/console.h"
#include "engine/cli/invocation.h"
#include "engine/cli/terminal.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

// What is there to be dropped; an error where it cannot be known.
std::vector<ArchiveView> archives_of(Invocation& invocation, const RunView& run) {
  require_run_database(run.record, identity_of(invocation.connection()));
  return look_at_archives({run}, invocation.connection()).front().value_or(std::vector<ArchiveView>{});
}

void require_confirmation(Invocation& invocation, const RunView& run) {
  const std::string& name = run.record.name;
  const std::vector<std::string> names = invocation.arguments().values("confirm");
  for (const std::string& each : names) {
    if (each == name) continue;
    throw Error(errors::kUsage, fmt::format("--confirm {} does not name the migration of run {}", each, run.record.run),
                fmt::format("The migration is {}.", name));
  }
  const bool yes = invocation.arguments().has("yes");
  if (!names.empty() && yes) return;
  if (yes) {
    throw Error(errors::kConfirmationMissing,
                fmt::format("without its archive run {} cannot be rolled back", run.record.run),
                fmt::format("Nothing was changed. Add --confirm {} to go past the point of no return.", name));
  }
  if (!Console::can_ask()) {
    throw Error(errors::kUsage, "there is no terminal to ask on, and --yes is not given",
                fmt::format("See what it would do with: falsework archive drop {} --dry-run; then give --yes.",
                            run.record.run));
  }
  const std::string answer = invocation.console().ask(fmt::format(
      "Run {} cannot be rolled back any more then. Type the migration's name to go on ({}):", run.record.run, name));
  if (answer == name) return;
  throw Error(errors::kConfirmationMissing, fmt::format("{} was not confirmed", name), "Nothing was changed.");
}

ExitCode report(Console& console, const RunView& run, const std::vector<ArchiveView>& archives, bool dropped) {
  if (console.json()) {
    Json json;
    json["run"] = run.record.run;
    json["name"] = run.record.name;
    json["archives"] = json_of(archives);
    json["dropped"] = dropped;
    console.document(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    return ExitCode::kDone;
  }
  if (archives.empty()) console.line(fmt::format("run {} has no archive: there is nothing to drop", run.record.run));
  for (const ArchiveView& archive : archives) {
    console.line(dropped ? fmt::format("archive {} is dropped: run {} cannot be rolled back any more", archive.archive,
                                       run.record.run)
                         : fmt::format("would drop: {}", describe(archive)));
  }
  return ExitCode::kDone;
}

ExitCode run_archive_drop(Invocation& invocation) {
  const RunView run = find_run(invocation.ledger(), *invocation.arguments().word(0));
  const std::vector<ArchiveView> archives = archives_of(invocation, run);
  Console& console = invocation.console();
  if (invocation.arguments().has("dry-run") || archives.empty()) return report(console, run, archives, false);
  if (!invocation.arguments().has("yes") || !invocation.arguments().has("quiet")) {
    for (const ArchiveView& archive : archives) console.note(describe(archive));
  }
  require_confirmation(invocation, run);
  const SystemClock clock;
  SystemClock waiting;
  Terminal terminal(console, clock, invocation.arguments().has("quiet"));
  const Workplace place{invocation.ledger(), waiting, terminal, invocation.executor_options(),
                        [&](const std::string& id) { terminal.set_run(id); }};
  drop_archives(run.record, place);
  return report(console, run, archives, true);
}

}  // namespace

Command archive_drop_command() {
  std::vector<Option> options{
      {"yes", 'y', "", "do not ask; needed where there is no terminal"},
      {"confirm", 0, "MIGRATION", "drop the archive of this migration, and with it the way back"},
      {"dry-run", 0, "", "show what would be dropped, and do nothing"},
  };
  for (const Option& option : lock_options()) options.push_back(option);
  return {"archive drop",
          "drop the archive of a run that is done: it cannot be rolled back any more",
          "RUN",
          1,
          1,
          {Needs::kDatabase, Needs::kLedger},
          options,
          run_archive_drop,
          {"falsework archive drop payments-1f0c2ab4 --dry-run",
           "falsework archive drop payments-1f0c2ab4 --yes --confirm payments"},
          "An archive keeps what contract dropped, so that `falsework rollback` still works after the end. Nothing "
          "else drops it: `falsework status` and `falsework check` list those that are there."};
}

}  // namespace falsework::cli
