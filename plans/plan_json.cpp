#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error_kinds.h"
#include "plans/plan.h"

namespace falsework {

namespace {

using Json = nlohmann::ordered_json;

Json render(const std::vector<std::string>& texts) {
  Json result = Json::array();
  for (const std::string& text : texts) result.push_back(text);
  return result;
}

Json render(const std::vector<pg::TakenLock>& locks) {
  Json result = Json::array();
  for (const pg::TakenLock& lock : locks) {
    result.push_back(
        {{"relation", lock.relation}, {"mode", pg::name(lock.mode)}, {"duration", pg::name(lock.duration)}});
  }
  return result;
}

Json render(const std::vector<OldColumn>& columns) {
  Json result = Json::array();
  for (const OldColumn& old : columns) {
    result.push_back({{"relation", old.relation}, {"column", old.column}, {"counter", old.counter}});
  }
  return result;
}

// Each kind has its own keys, so that a reader meets none that means nothing.
Json render(const GateCondition& condition) {
  const ConditionFields fields = fields_of(condition.kind);
  Json result = {{"kind", name(condition.kind)}};
  if (fields.release) result["release"] = condition.release;
  if (fields.period) result["period_s"] = condition.period.count();
  if (fields.approvals) {
    result["approvals"] = condition.approvals;
    result["four_eyes"] = condition.four_eyes;
    result["author"] = condition.author;
  }
  if (fields.query) {
    result["name"] = condition.name;
    result["query"] = condition.query;
  }
  if (fields.old) result["old"] = render(condition.old);
  FALSEWORK_CHECK(fields.release || condition.release.empty());
  return result;
}

Json render(const Gate& gate) {
  Json conditions = Json::array();
  for (const GateCondition& condition : gate.conditions) conditions.push_back(render(condition));
  return {{"name", gate.name}, {"conditions", std::move(conditions)}};
}

Json render(const Copy& copy) {
  return {{"relation", copy.relation}, {"statement", copy.statement}, {"remaining", copy.remaining}};
}

Json render(const Check& check) {
  return {{"relation", check.relation},
          {"by_ranges", check.by_ranges},
          {"proof", check.proof},
          {"message", check.message},
          {"hint", check.hint}};
}

Json render(const Probe& probe) { return {{"query", probe.query}, {"cleanup", probe.cleanup}}; }

Json render(const Timeouts& timeouts) {
  return {{"lock_ms", timeouts.lock.count()},
          {"statement_ms", timeouts.statement.count()},
          {"budget_ms", timeouts.budget.count()}};
}

Json render(const Estimate& estimate) { return {{"rows", estimate.rows}, {"bytes", estimate.bytes}}; }

template <typename Value>
Json render(const std::optional<Value>& value) {
  return value ? render(*value) : Json(nullptr);
}

Json render(const Step& step) {
  Json result = {{"id", step.id},
                 {"phase", name(step.phase)},
                 {"kind", name(step.kind)},
                 {"title", step.title},
                 {"why", step.why},
                 {"relations", render(step.relations)},
                 {"sql", render(step.sql)},
                 {"undo", render(step.undo)},
                 {"undo_note", step.undo_note},
                 {"undo_with", render(step.undo_with)},
                 {"irreversible", step.irreversible},
                 {"transaction", step.transaction},
                 {"undo_transaction", step.undo_transaction},
                 {"locks", render(step.locks)},
                 {"undo_locks", render(step.undo_locks)},
                 {"rewrites", step.rewrites},
                 {"scans", step.scans},
                 {"done_when", step.done_when},
                 {"needs", render(step.needs)},
                 {"timeouts", render(step.timeouts)},
                 {"estimate", render(step.estimate)},
                 {"gate", render(step.gate)},
                 {"copy", render(step.copy)},
                 {"check", render(step.check)},
                 {"probe", render(step.probe)}};
  // Few steps have it, and plans from before it have not.
  if (!step.archives.empty()) result["archives"] = render(step.archives);
  return result;
}

Json render(const PlannedChange& change) {
  return {{"kind", change.kind},
          {"summary", change.summary},
          {"relation", change.relation},
          {"strategy", change.strategy},
          {"reason", change.reason},
          {"naive_sql", change.naive_sql},
          {"naive_locks", render(change.naive_locks)},
          {"naive_rewrites", change.naive_rewrites},
          {"naive_scans", change.naive_scans},
          {"naive_estimate", render(change.naive_estimate)},
          {"warnings", render(change.warnings)}};
}

// The phases that have steps, for readers that want to walk the plan without sorting it.
Json render_phases(const Plan& plan) {
  Json result = Json::array();
  for (const Phase phase : kPhases) {
    Json ids = Json::array();
    for (const Step& step : plan.steps) {
      if (step.phase == phase) ids.push_back(step.id);
    }
    if (!ids.empty()) result.push_back({{"name", name(phase)}, {"steps", std::move(ids)}});
  }
  return result;
}

Json render_relies_on(const Plan& plan) {
  Json result = Json::object();
  for (const auto& [relation, objects] : plan.relies_on) {
    Json& digests = result[relation] = Json::object();
    for (const auto& [object, digest] : objects) digests[object] = digest;
  }
  return result;
}

Json render_document(const Plan& plan) {
  Json releases = Json::object();
  for (const auto& [gate, release] : plan.releases) releases[gate] = release;
  Json changes = Json::array();
  for (const PlannedChange& change : plan.changes) changes.push_back(render(change));
  Json steps = Json::array();
  for (const Step& step : plan.steps) steps.push_back(render(step));
  return {{"format_version", plan.format_version},
          {"name", plan.name},
          {"digest", plan.digest},
          {"engine_version", plan.engine_version},
          {"server_version", plan.server_version},
          {"database", plan.database},
          {"system_identifier", plan.system_identifier},
          {"releases", std::move(releases)},
          {"changes", std::move(changes)},
          {"phases", render_phases(plan)},
          {"steps", std::move(steps)},
          {"relies_on", render_relies_on(plan)},
          {"relations", render(plan.relations)},
          {"fingerprint_query", plan.fingerprint_query}};
}

}  // namespace

std::string render_plan(const Plan& plan) {
  try {
    return render_document(plan).dump(2) + "\n";
  } catch (const Json::type_error&) {  // text that is not UTF-8 has no place in JSON
    throw Error(errors::kPlanInvalid, fmt::format("the plan of {} holds text that is not UTF-8", plan.name),
                "Falsework needs a database whose encoding is UTF8.");
  }
}

}  // namespace falsework
