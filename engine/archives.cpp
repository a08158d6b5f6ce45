#include "engine/archives.h"

#include <fmt/format.h>

#include <algorithm>

#include "state/postgres/journal.h"

namespace falsework {

namespace {

// The step with a statement that begins so.
const Step* step_with(const Plan& plan, const std::string& beginning) {
  for (const Step& step : plan.steps) {
    for (const std::string& sql : step.sql) {
      if (sql.rfind(beginning, 0) == 0) return &step;
    }
  }
  return nullptr;
}

const Step* filler_of(const Plan& plan, const std::string& archive) {
  return step_with(plan, fmt::format("INSERT INTO {} ", archive));
}

const Step* reader_of(const Plan& plan, const std::string& archive) {
  for (const Step& step : plan.steps) {
    if (std::find(step.archives.begin(), step.archives.end(), archive) != step.archives.end()) return &step;
  }
  return nullptr;
}

const JournalStep* done(const std::map<std::string, JournalStep>& steps, const Step* step) {
  const auto found = step == nullptr ? steps.end() : steps.find(step->id);
  const bool is_done = found != steps.end() &&
                       (found->second.state == JournalState::kDone || found->second.state == JournalState::kUndoIntent);
  return is_done ? &found->second : nullptr;
}

// What a run's journal knows of an archive, where that run has made it.
bool describe(const JournalRun& run, Journal& journal, ArchiveView& view) {
  if (run.plan_text.find(view.archive) == std::string::npos) return false;
  const Plan plan = parse_plan(run.plan_text, run.run);
  const Step* maker = maker_of(plan, view.archive);
  const std::map<std::string, JournalStep> steps = journal.steps(run.run);
  const JournalStep* made = done(steps, maker);
  if (made == nullptr) return false;
  view.run = run.run;
  view.migration = run.name;
  view.since = made->at;
  if (!maker->relations.empty()) view.table = maker->relations.front();
  if (const JournalStep* filled = done(steps, filler_of(plan, view.archive))) view.rows = filled->rows;
  view.only_copy = done(steps, reader_of(plan, view.archive)) != nullptr;
  return true;
}

bool has_archives(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return !step.archives.empty(); });
}

bool is_database_of(const RunRecord& run, const pg::DatabaseIdentity& identity) {
  return run.database_oid == identity.database_oid &&
         (run.system_identifier.empty() || identity.system_identifier.empty() ||
          run.system_identifier == identity.system_identifier);
}

}  // namespace

std::vector<ArchiveView> find_archives(pg::Session& session) {
  const pg::Rows rows = session.query(
      "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.pg_total_relation_size(c.oid) "
      "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
      "WHERE n.nspname = 'falsework' AND c.relkind = 'r' AND c.relname LIKE '\\_fw\\_archive\\_%' ORDER BY 1");
  std::vector<ArchiveView> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ArchiveView view;
    view.archive = rows.text(i, 0);
    view.bytes = rows.number(i, 1);
    found.push_back(std::move(view));
  }
  if (found.empty()) return found;
  try {
    Journal journal(session);
    if (!journal.incarnation()) return found;
    const std::vector<JournalRun> runs = journal.runs();
    for (ArchiveView& view : found) {
      for (const JournalRun& run : runs) {
        if (describe(run, journal, view)) break;
      }
    }
  } catch (const Error& error) {
    if (error.exit() == ExitCode::kTemporary) throw;
  }
  return found;
}

const Step* maker_of(const Plan& plan, const std::string& archive) {
  return step_with(plan, fmt::format("CREATE TABLE {} ", archive));
}

std::vector<std::optional<std::vector<ArchiveView>>> look_at_archives(const std::vector<RunView>& runs,
                                                                      const Connection& connection) {
  std::vector<std::optional<std::vector<ArchiveView>>> reports(runs.size());
  if (std::none_of(runs.begin(), runs.end(), [](const RunView& run) { return has_archives(run.plan); })) {
    std::fill(reports.begin(), reports.end(), std::vector<ArchiveView>{});
    return reports;
  }
  try {
    pg::ConnectionSettings settings;
    settings.conninfo = connection.conninfo;
    settings.application_name = connection.application_name;
    settings.settings["default_transaction_read_only"] = "on";
    const std::unique_ptr<pg::Session> session = pg::connect(settings);
    const pg::DatabaseIdentity identity = pg::identify(*session);
    const std::vector<ArchiveView> all = find_archives(*session);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (!is_database_of(runs[i].record, identity)) continue;
      auto& mine = reports[i].emplace();
      std::copy_if(all.begin(), all.end(), std::back_inserter(mine),
                   [&](const ArchiveView& view) { return view.run == runs[i].record.run; });
    }
  } catch (const Error&) {
    // That it cannot be reached is said where a gate is looked at; status tells what the ledger knows.
  }
  return reports;
}

}  // namespace falsework
