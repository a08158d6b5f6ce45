#include "engine/facade.h"

#include <fmt/format.h>

#include <utility>

#include "base/error_kinds.h"
#include "base/file.h"
#include "engine/runs.h"
#include "executor/drift.h"
#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "plans/graph.h"
#include "postgres/catalog/introspect.h"
#include "postgres/session/session.h"
#include "state/postgres/journal.h"

namespace falsework {

namespace {

pg::ConnectionSettings settings_of(const Connection& connection) {
  pg::ConnectionSettings settings;
  settings.conninfo = connection.conninfo;
  settings.application_name = connection.application_name;
  settings.settings["default_transaction_read_only"] = "on";
  return settings;
}

std::unique_ptr<pg::Session> connect_read_only(const Connection& connection) {
  return pg::connect(settings_of(connection));
}

Migration read_migration(const std::vector<std::filesystem::path>& declarations) {
  std::vector<DeclarationFile> files;
  for (const std::filesystem::path& path : declarations) files.push_back({read_file(path), path.string()});
  return read_declarations(files);
}

void require_plan_server(const Plan& plan, const pg::DatabaseIdentity& identity) {
  if (plan.system_identifier.empty() || identity.system_identifier.empty()) return;
  if (plan.system_identifier == identity.system_identifier) return;
  throw Error(errors::kDatabaseForeign,
              fmt::format("the plan {} was made for another server than that of {}", plan.name, identity.database),
              "Connect to the server that the plan was made for, or make the plan anew.");
}

bool names(const QualifiedName& wanted, const pg::Snapshot& snapshot) {
  const auto is = [&](const QualifiedName& name) {
    return name.name == wanted.name && (wanted.schema.empty() || name.schema == wanted.schema);
  };
  for (const pg::Table& table : snapshot.tables) {
    if (is(table.name)) return true;
  }
  for (const pg::View& view : snapshot.views) {
    if (is(view.name)) return true;
  }
  return false;
}

RunReport report(const Engagement& engagement, const Workplace& place, Outcome outcome) {
  const std::optional<RunRecord> record = place.ledger.find_run(engagement.run());
  FALSEWORK_CHECK(record.has_value());
  return {*record, outcome, engagement.plan(), engagement.state()};
}

}  // namespace

pg::DatabaseIdentity identity_of(const Connection& connection) {
  const std::unique_ptr<pg::Session> session = connect_read_only(connection);
  return pg::identify(*session);
}

void require_run_database(const RunRecord& run, const pg::DatabaseIdentity& identity) {
  const bool other_server = !run.system_identifier.empty() && !identity.system_identifier.empty() &&
                            run.system_identifier != identity.system_identifier;
  if (!other_server && run.database_oid == identity.database_oid) return;
  throw Error(errors::kDatabaseForeign,
              fmt::format("run {} belongs to {}, not to this database", run.run, run.database),
              "Connect to the database of the run with -d.");
}

Plan plan_from_server(const std::vector<std::filesystem::path>& declarations, const Connection& connection) {
  const Migration migration = read_migration(declarations);
  const std::unique_ptr<pg::Session> session = connect_read_only(connection);
  return make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
}

Plan plan_from_snapshot(const std::vector<std::filesystem::path>& declarations, const std::filesystem::path& snapshot) {
  const Migration migration = read_migration(declarations);
  return make_plan(migration, pg::parse_snapshot(read_file(snapshot), snapshot.string()));
}

PlanFile load_plan(const std::filesystem::path& file) {
  PlanFile loaded;
  loaded.text = read_file(file);
  loaded.plan = parse_plan(loaded.text, file.string());
  if (const auto problems = verify(loaded.plan); !problems.empty()) {
    throw Error(errors::kPlanInvalid, fmt::format("{}: {}", file.string(), problems.front()),
                "Make the plan anew with: falsework plan.");
  }
  return loaded;
}

pg::Snapshot take_snapshot(const Connection& connection, const std::vector<QualifiedName>& tables) {
  const std::unique_ptr<pg::Session> session = connect_read_only(connection);
  pg::Snapshot snapshot = pg::introspect(*session, {tables});
  for (const QualifiedName& table : tables) {
    if (names(table, snapshot)) continue;
    const std::string shown = table.schema.empty() ? quote_identifier(table.name) : table.display();
    throw Error(errors::kObjectMissing, fmt::format("table {} does not exist in {}", shown, snapshot.database),
                "Write it as in SQL, with its schema unless that is on the role's search_path.");
  }
  return snapshot;
}

std::vector<std::string> drift_of(const Plan& plan, const Connection& connection) {
  const std::unique_ptr<pg::Session> session = connect_read_only(connection);
  require_plan_server(plan, pg::identify(*session));
  return find_drift(*session, plan);
}

std::vector<std::string> drift_of_run(const RunRecord& run, const Connection& connection) {
  const Plan plan = parse_plan(run.plan_text, run.run);
  const std::unique_ptr<pg::Session> session = connect_read_only(connection);
  require_run_database(run, pg::identify(*session));
  Journal journal(*session);
  if (!journal.incarnation()) return find_drift(*session, plan);
  return differences(journal.fingerprint(run.run).value_or(plan.relies_on), read_fingerprint(*session, plan));
}

RunReport apply_plan(const PlanFile& plan, const AdvanceRequest& request, const Workplace& place) {
  const auto engagement =
      Engagement::start(plan.plan, plan.text, place.ledger, place.clock, place.observer, place.options);
  place.opened(engagement->run());
  const Outcome outcome = engagement->advance(request);
  return report(*engagement, place, outcome);
}

RunReport advance_run(const RunRecord& run, const AdvanceRequest& request, const Workplace& place) {
  const auto engagement = Engagement::take_up(run, place.ledger, place.clock, place.observer, place.options);
  place.opened(engagement->run());
  AdvanceRequest now = request;
  const bool to_end = request.target.kind == Target::Kind::kEnd;
  const bool at_gate = gate_ahead(engagement->plan(), engagement->state()) != nullptr;
  now.open_advance_gates = request.open_advance_gates && (to_end || at_gate);
  now.refuse_closed = at_gate && request.target.kind == Target::Kind::kNextGate && request.releases.empty();
  const Outcome outcome = engagement->advance(now);
  return report(*engagement, place, outcome);
}

std::vector<JournaledRun> journaled_runs(const Connection& connection, const Ledger* ledger) {
  return find_journaled(settings_of(connection), ledger);
}

bool adopt(const std::string& run, const std::string& reason, const Workplace& place) {
  return adopt_run(run, reason, place.ledger, place.clock, place.observer, place.options);
}

RunReport prove_run(const RunRecord& run, const std::optional<std::string>& step, const std::string& reason,
                    const Workplace& place) {
  const auto engagement = Engagement::take_up(run, place.ledger, place.clock, place.observer, place.options);
  place.opened(engagement->run());
  std::vector<std::string> proofs;
  for (const Step* failed : failed_proofs(engagement->plan(), engagement->state())) proofs.push_back(failed->id);
  if (step) proofs = {*step};
  if (proofs.empty()) {
    throw Error(errors::kStepUnknown, fmt::format("run {} has no failed proof", run.run),
                fmt::format("Carry it on with: falsework advance {}.", run.run));
  }
  for (const std::string& proof : proofs) engagement->clear_proof(proof, reason);
  Outcome outcome = Outcome::kNothingToDo;
  for (const std::string& proof : proofs) {
    AdvanceRequest request;
    request.target = {Target::Kind::kStep, Phase::kContract, proof};
    outcome = engagement->advance(request);
  }
  return report(*engagement, place, outcome);
}

std::vector<std::string> drop_archives(const RunRecord& run, const Workplace& place) {
  const auto engagement = Engagement::take_up(run, place.ledger, place.clock, place.observer, place.options);
  place.opened(engagement->run());
  return engagement->drop_archives();
}

std::vector<std::string> verify_journal(const Connection& connection, const Ledger& ledger) {
  const std::unique_ptr<pg::Session> session = connect_read_only(connection);
  Journal journal(*session);
  if (!journal.incarnation()) {
    throw Error(errors::kRunUnknown,
                fmt::format("database {} has no journal to verify", pg::identify(*session).database),
                "Connect to the database that was changed, with -d, or verify the ledger alone.");
  }
  std::vector<std::string> problems = journal.verify_history();
  for (const JournalRun& run : journal.runs()) {
    if (run.lineage != ledger.lineage() || ledger.has(run.mark)) continue;
    problems.push_back(
        fmt::format("run {}: the ledger does not have event {} as the journal remembers it", run.run, run.mark.serial));
  }
  return problems;
}

RunReport rollback_run(const RunRecord& run, const RollbackRequest& request, const Workplace& place) {
  const auto engagement = Engagement::take_up(run, place.ledger, place.clock, place.observer, place.options);
  place.opened(engagement->run());
  const Outcome outcome = engagement->rollback(request);
  return report(*engagement, place, outcome);
}

}  // namespace falsework
