#include "engine/gates.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "executor/gates/releases.h"
#include "state/postgres/facts.h"
#include "state/postgres/journal.h"

namespace falsework {

namespace {

std::unique_ptr<pg::Session> connect_to(const Connection& connection) {
  pg::ConnectionSettings settings;
  settings.conninfo = connection.conninfo;
  settings.application_name = connection.application_name;
  return pg::connect(settings);
}

// Why this session is of no use for the run; empty when it is.
std::string mismatch(pg::Session& session, const RunRecord& run) {
  const pg::DatabaseIdentity identity = pg::identify(session);
  const bool other_server = !run.system_identifier.empty() && !identity.system_identifier.empty() &&
                            run.system_identifier != identity.system_identifier;
  if (other_server || run.database_oid != identity.database_oid) {
    return fmt::format("run {} belongs to {}, not to this database", run.run, run.database);
  }
  const auto entry = Journal(session).find_run(run.run);
  if (!entry) return fmt::format("the journal of this database does not know run {}", run.run);
  return "";
}

GateReport look_at(pg::Session& session, const RunView& run, const Step& gate) {
  try {
    if (!Journal(session).incarnation()) return {std::nullopt, "this database has no journal"};
    if (std::string problem = mismatch(session, run.record); !problem.empty()) return {std::nullopt, problem};
    return {look_at_gate(session, {run.record.run, run.plan, gate, run.record.created_by, false}), ""};
  } catch (const Error& error) {
    return {std::nullopt, error.what()};
  }
}

// A session on the run's own database, or an error.
std::unique_ptr<pg::Session> session_for(const Voice& voice, const RunView& run) {
  if (is_over(run.state)) {
    throw Error(errors::kUsage, fmt::format("run {} is over: it waits at no gate", run.record.run),
                "List the runs with: falsework status.");
  }
  std::unique_ptr<pg::Session> session = connect_to(voice.connection);
  if (const std::string problem = mismatch(*session, run.record); !problem.empty()) {
    throw Error(errors::kDatabaseForeign, problem, "Connect to the database of the run with -d.");
  }
  return session;
}

const GateCondition& condition_of(const RunView& run, const Step& gate, GateCondition::Kind kind) {
  const auto& conditions = gate.gate->conditions;
  const auto found =
      std::find_if(conditions.begin(), conditions.end(), [&](const GateCondition& each) { return each.kind == kind; });
  if (found == conditions.end()) {
    throw Error(errors::kUsage, fmt::format("the gate {} of {} waits for no {}", gate.id, run.record.run, name(kind)),
                fmt::format("See what it waits for with: falsework status {}.", run.record.run));
  }
  if (run.state.open_gates.contains(gate.id)) {
    throw Error(errors::kUsage, fmt::format("the gate {} of {} is open already", gate.id, run.record.run),
                fmt::format("See where the run stands with: falsework status {}.", run.record.run));
  }
  return *found;
}

// `step` is empty for what is said of the run.
void tell(const Voice& voice, const RunView& run, const std::string& step, EventKind kind, const std::string& detail) {
  Event event;
  event.run = run.record.run;
  event.kind = kind;
  event.step = step;
  event.at = render_time(voice.clock.now());
  event.actor = voice.actor;
  event.detail = detail;
  voice.ledger.append(std::move(event));
}

bool names_release(const Step& gate, const std::string& release) {
  const auto& conditions = gate.gate->conditions;
  return std::any_of(conditions.begin(), conditions.end(), [&](const GateCondition& condition) {
    return condition.kind == GateCondition::Kind::kRelease && condition.release == release;
  });
}

void require_out(pg::Session& session, const std::string& release) {
  std::vector<std::string> out;
  if (Journal(session).incarnation()) {
    for (const auto& [each, since] : releases_said(Facts(session).of(""))) out.push_back(each);
  }
  if (std::find(out.begin(), out.end(), release) != out.end()) return;
  throw Error(errors::kObjectMissing, fmt::format("release {} is not out: there is nothing to withdraw", release),
              out.empty() ? "Nobody has said of any release that it is out."
                          : fmt::format("These are out: {}.", fmt::join(out, ", ")));
}

}  // namespace

std::vector<GateReport> look_at_gates(const std::vector<RunView>& runs, const Connection& connection) {
  std::vector<GateReport> reports(runs.size());
  std::unique_ptr<pg::Session> session;
  std::string unreachable;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const Step* gate = is_over(runs[i].state) ? nullptr : gate_ahead(runs[i].plan, runs[i].state);
    if (gate == nullptr) continue;
    if (!session && unreachable.empty()) {
      try {
        session = connect_to(connection);
      } catch (const Error& error) {
        unreachable = error.what();
      }
    }
    reports[i] = session ? look_at(*session, runs[i], *gate) : GateReport{std::nullopt, unreachable};
    if (session && !session->is_open()) {
      session.reset();
      unreachable = "the connection was lost";
    }
  }
  return reports;
}

const Step& gate_named(const Plan& plan, const std::string& word) {
  std::vector<std::string> known;
  for (const Step& step : plan.steps) {
    if (!step.gate) continue;
    if (step.id == word || step.gate->name == word) return step;
    known.push_back(step.gate->name);
  }
  throw Error(errors::kStepUnknown, fmt::format("the plan {} has no gate {}", plan.name, word),
              known.empty() ? "It has no gate at all." : fmt::format("Its gates are: {}.", fmt::join(known, ", ")));
}

void approve(const Voice& voice, const RunView& run, const std::string& gate, const std::string& name,
             const std::string& comment) {
  const Step& step = gate_named(run.plan, gate);
  const GateCondition& condition = condition_of(run, step, GateCondition::Kind::kApproval);
  if (condition.four_eyes && is_one_of_the_makers(name, condition, run.record.created_by)) {
    throw Error(
        errors::kApprovalRefused,
        fmt::format("{} cannot approve the gate {}: what lies behind it cannot be undone, and {} wrote the plan "
                    "or started the run",
                    name, step.id, name),
        "Let somebody else approve it: four eyes see more than two.");
  }
  const auto session = session_for(voice, run);
  Facts(*session).add({run.record.run, step.id, "approval", name, run.plan.digest, comment, voice.actor});
  tell(voice, run, step.id, EventKind::kGateApproved,
       fmt::format("{} approves plan {}{}", name, run.plan.digest, comment.empty() ? "" : ": " + comment));
}

void acknowledge_backup(const Voice& voice, const RunView& run, const std::string& gate, const std::string& reference,
                        const std::string& taken_at, const std::string& comment) {
  const Step& step = gate_named(run.plan, gate);
  condition_of(run, step, GateCondition::Kind::kBackup);
  const auto session = session_for(voice, run);
  Facts(*session).add({run.record.run, step.id, "backup", reference, run.plan.digest, comment, voice.actor, taken_at});
  tell(voice, run, step.id, EventKind::kBackupAcknowledged,
       fmt::format("{}, taken at {}{}", reference, taken_at.empty() ? "this moment" : taken_at,
                   comment.empty() ? "" : ": " + comment));
}

bool remember_releases(const Connection& connection, const std::set<std::string>& releases, const std::string& actor) {
  const std::unique_ptr<pg::Session> session = connect_to(connection);
  if (!Journal(*session).incarnation()) return false;
  Facts facts(*session);
  for (const std::string& release : releases) facts.add(release_is_out(release, actor));
  return true;
}

void withdraw_release(const Voice& voice, const std::vector<RunView>& runs, const std::string& release,
                      const std::string& reason) {
  const std::unique_ptr<pg::Session> session = connect_to(voice.connection);
  require_out(*session, release);
  Facts(*session).add(release_is_withdrawn(release, reason, voice.actor));
  for (const RunView& run : runs) {
    const Step* gate = is_over(run.state) ? nullptr : gate_ahead(run.plan, run.state);
    if (gate == nullptr || run.state.state != RunPhaseState::kWaiting || !names_release(*gate, release)) continue;
    const GateReport report = look_at(*session, run, *gate);
    if (!report.view) continue;
    tell(voice, run, {}, EventKind::kRunWaiting,
         fmt::format("{}: {} (release {} was withdrawn)", gate->id, fmt::join(report.view->unmet(), ", "), release));
  }
}

std::map<std::string, std::string> releases_out(const Connection& connection) {
  const std::unique_ptr<pg::Session> session = connect_to(connection);
  std::map<std::string, std::string> out;
  if (!Journal(*session).incarnation()) return out;
  for (const auto& [release, fact] : releases_said(Facts(*session).of(""))) out.emplace(release, fact.at);
  return out;
}

}  // namespace falsework
