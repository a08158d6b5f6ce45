#include "engine/copy_control.h"

#include <fmt/format.h>

#include <memory>

#include "base/error_kinds.h"
#include "state/postgres/journal.h"

namespace falsework {

namespace {

std::unique_ptr<pg::Session> open_journal_of(const RunRecord& run, const Connection& connection) {
  pg::ConnectionSettings settings;
  settings.conninfo = connection.conninfo;
  settings.application_name = connection.application_name;
  std::unique_ptr<pg::Session> session = pg::connect(settings);
  require_run_database(run, pg::identify(*session));
  Journal journal(*session);
  const std::optional<JournalRun> entry = journal.incarnation() ? journal.find_run(run.run) : std::nullopt;
  if (!entry) {
    throw Error(errors::kRunUnknown, fmt::format("the journal of this database does not know run {}", run.run),
                "Begin the run first, with: falsework apply PLAN.");
  }
  if (entry->state != "active") {
    throw Error(errors::kUsage, fmt::format("run {} is over: nothing of it copies any more", run.run),
                "See the runs that are under way with: falsework status.");
  }
  return session;
}

}  // namespace

CopyControl copy_control(const RunRecord& run, const Connection& connection) {
  const auto session = open_journal_of(run, connection);
  return CopyJournal(*session, run.run).control();
}

bool set_copy_paused(const RunRecord& run, const Connection& connection, bool paused, const std::string& actor) {
  const auto session = open_journal_of(run, connection);
  return CopyJournal(*session, run.run).set_paused(paused, actor);
}

void set_copy_limits(const RunRecord& run, const Connection& connection, const CopyLimits& limits,
                     std::optional<std::chrono::milliseconds> duration, const std::string& actor) {
  const auto session = open_journal_of(run, connection);
  CopyJournal(*session, run.run).set_limits(limits, duration, actor);
}

}  // namespace falsework
