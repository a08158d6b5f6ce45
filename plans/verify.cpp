#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "plans/bare_sql.h"
#include "plans/graph.h"

namespace falsework {

namespace {

// Collects what is wrong, each with the step that it concerns.
class Problems {
 public:
  void add(const std::string& text) { texts_.push_back(text); }
  void add(const Step& step, const std::string& text) { texts_.push_back(fmt::format("step {}: {}", step.id, text)); }
  void unless(bool right, const Step& step, const std::string& text) {
    if (!right) add(step, text);
  }
  std::vector<std::string> take() { return std::move(texts_); }

 private:
  std::vector<std::string> texts_;
};

bool is_sorted_set(const std::vector<std::string>& names) {
  return std::adjacent_find(names.begin(), names.end(), std::greater_equal<>()) == names.end();
}

bool id_fits_phase(const Step& step) {
  const std::string middle = fmt::format("/{}/", name(step.phase));
  const std::size_t at = step.id.find(middle);
  return at != std::string::npos && at > 0 && at + middle.size() < step.id.size();
}

void verify_words(const Step& step, Problems& problems) {
  problems.unless(id_fits_phase(step), step,
                  fmt::format("its id is not of the form SUBJECT/{}/WHAT", name(step.phase)));
  problems.unless(!step.title.empty(), step, "it has no title");
  problems.unless(step.title.find('\n') == std::string::npos, step, "its title has more than one line");
  problems.unless(!step.why.empty(), step, "it does not say why it is there");
  problems.unless(is_sorted_set(step.relations), step, "its relations are not sorted, or one stands twice");
}

void verify_payload(const Step& step, Problems& problems) {
  struct Payload {
    StepKind kind;
    bool present;
    std::string_view what;
  };
  const Payload payloads[] = {{StepKind::kGate, step.gate.has_value(), "gate"},
                              {StepKind::kBackfill, step.copy.has_value(), "copy"},
                              {StepKind::kCheck, step.check.has_value(), "check"},
                              {StepKind::kConcurrent, step.probe.has_value(), "probe"}};
  for (const Payload& payload : payloads) {
    const bool wanted = payload.kind == step.kind;
    if (wanted == payload.present) continue;
    problems.add(step, fmt::format("a {} step {} {}", name(step.kind), wanted ? "needs a" : "has no", payload.what));
  }
}

void verify_release(const Step& step, const GateCondition& condition, const Plan& plan, Problems& problems) {
  const auto known = std::find_if(plan.releases.begin(), plan.releases.end(),
                                  [&](const auto& release) { return release.second == condition.release; });
  problems.unless(
      known != plan.releases.end(), step,
      fmt::format("its gate waits for the release \"{}\", which the plan does not list", condition.release));
}

void verify_condition(const Step& step, const GateCondition& condition, const Plan& plan, Problems& problems) {
  const ConditionFields fields = fields_of(condition.kind);
  if (fields.release) verify_release(step, condition, plan, problems);
  const auto unless = [&](bool right, std::string_view what) {
    problems.unless(right, step, fmt::format("a condition of kind {} {}", name(condition.kind), what));
  };
  unless(fields.release || condition.release.empty(), "names a release");
  unless(!fields.period || condition.period.count() > 0, "has no period");
  unless(!fields.approvals || condition.approvals > 0, "asks for no approval");
  unless(!fields.query || (!condition.name.empty() && !condition.query.empty()), "has no name or no query");
  unless(!fields.old || !condition.old.empty(), "names no column of the old shape");
  for (const OldColumn& old : condition.old) {
    unless(condition.kind != GateCondition::Kind::kNoOldWriter || !old.counter.empty(), "has a column without counter");
  }
}

void verify_gate(const Step& step, const Plan& plan, Problems& problems) {
  problems.unless(!step.gate->name.empty(), step, "its gate has no name");
  problems.unless(!step.gate->conditions.empty(), step, "its gate has no condition");
  for (const GateCondition& condition : step.gate->conditions) verify_condition(step, condition, plan, problems);
}

void verify_check(const Step& step, Problems& problems) {
  problems.unless(!step.sql.empty(), step, "a check step needs its query");
  problems.unless(!step.check->message.empty(), step, "its check has no message");
  problems.unless(step.check->by_ranges == !step.check->relation.empty(), step,
                  "a check has a relation exactly when it goes by ranges");
}

void verify_kind(const Step& step, const Plan& plan, Problems& problems) {
  switch (step.kind) {
    case StepKind::kStatement:
      problems.unless(!step.sql.empty(), step, "a statement step needs SQL");
      problems.unless(step.transaction, step, "a statement step runs in a transaction");
      break;
    case StepKind::kConcurrent:
      problems.unless(step.sql.size() == 1, step, "a concurrent step has exactly one statement");
      problems.unless(!step.transaction, step, "a concurrent step runs outside a transaction");
      problems.unless(!step.probe || !step.probe->query.empty(), step, "its probe has no query");
      break;
    case StepKind::kBackfill:
      if (!step.copy) break;
      problems.unless(!step.copy->relation.empty() && !step.copy->statement.empty() && !step.copy->remaining.empty(),
                      step, "its copy lacks the relation, the statement or what remains");
      break;
    case StepKind::kCheck:
      if (step.check) verify_check(step, problems);
      break;
    case StepKind::kGate:
      problems.unless(step.sql.empty(), step, "a gate step runs no SQL");
      if (step.gate) verify_gate(step, plan, problems);
      break;
    case StepKind::kNote:
      problems.unless(step.sql.empty(), step, "a note runs no SQL");
      problems.unless(!step.irreversible, step, "a note has nothing to undo");
      break;
  }
}

void verify_undo(const Step& step, Problems& problems) {
  problems.unless(step.irreversible == !step.undo.has_value(), step,
                  step.irreversible ? "it is irreversible and has an undo" : "it has no undo and is not irreversible");
  problems.unless(!step.irreversible || !step.undo_note.empty(), step, "it does not say why it cannot be undone");
  problems.unless(step.archives.empty() || (step.undo && !step.undo->empty()), step,
                  "it names an archive and has no undo that reads it");
}

void verify_sql(const Step& step, const std::vector<std::string>& statements, bool transaction, Problems& problems) {
  bool adds_not_valid = false, validates = false;
  for (const std::string& statement : statements) {
    const std::string bare = bare_sql(statement);
    problems.unless(!bare.empty(), step, "one of its statements is empty");
    problems.unless(bare.find(';') == std::string::npos, step, "one of its statements holds a semicolon");
    // REFRESH MATERIALIZED VIEW CONCURRENTLY alone may run in a transaction (PG docs, sql-refreshmaterializedview).
    const bool concurrent = has_words(bare, "CONCURRENTLY") && !has_words(bare, "REFRESH MATERIALIZED VIEW");
    problems.unless(!transaction || !concurrent, step, "CONCURRENTLY cannot run in a transaction");
    adds_not_valid = adds_not_valid || has_words(bare, "NOT VALID");
    validates = validates || has_words(bare, "VALIDATE CONSTRAINT");
  }
  // The lock of ADD … NOT VALID would be held for the whole scan.
  problems.unless(!adds_not_valid || !validates, step, "NOT VALID and VALIDATE stand in one step");
}

void verify_locks(const Step& step, Problems& problems) {
  bool blocks_writes = false;
  for (const auto* locks : {&step.locks, &step.undo_locks}) {
    for (const pg::TakenLock& lock : *locks) {
      problems.unless(!lock.relation.empty(), step, "one of its locks names no relation");
      blocks_writes = blocks_writes || pg::conflicts(lock.mode, pg::LockMode::kRowExclusive);
    }
  }
  const Timeouts& timeouts = step.timeouts;
  problems.unless(timeouts.lock.count() >= 0 && timeouts.statement.count() >= 0, step, "a timeout is negative");
  problems.unless(timeouts.budget.count() > 0, step, "its budget is not positive");
  problems.unless(timeouts.lock <= timeouts.budget, step, "its lock timeout is longer than its budget");
  problems.unless(timeouts.lock.count() != 0 || !blocks_writes, step,
                  "it would wait without limit for a lock that blocks writes");
  problems.unless(step.estimate.rows >= 0 && step.estimate.bytes >= 0, step, "its estimate is negative");
}

// Ids, needs and order; false when the graph is too broken to be asked for more.
bool verify_graph(const Plan& plan, Problems& problems) {
  std::set<std::string> all, before;
  for (const Step& step : plan.steps) all.insert(step.id);
  bool sound = all.size() == plan.steps.size();
  Phase phase = Phase::kExpand;
  for (const Step& step : plan.steps) {
    problems.unless(before.count(step.id) == 0, step, "its id stands twice");
    problems.unless(step.phase >= phase, step,
                    fmt::format("it belongs to {} and stands after a step of {}", name(step.phase), name(phase)));
    phase = std::max(phase, step.phase);
    for (const std::string& need : step.needs) {
      const bool exists = all.count(need) == 1;
      sound = sound && exists;
      problems.unless(exists, step, fmt::format("it needs {}, which is not in the plan", need));
      problems.unless(!exists || before.count(need) == 1, step, fmt::format("it needs {}, which comes later", need));
    }
    for (const std::string& other : step.undo_with) {
      problems.unless(all.count(other) == 1 && other != step.id, step,
                      fmt::format("it is undone with {}, which is no other step of the plan", other));
    }
    before.insert(step.id);
  }
  return sound;
}

void verify_point_of_no_return(const Plan& plan, Problems& problems) {
  for (const Step& step : plan.steps) {
    if (!step.irreversible) continue;
    const std::vector<std::string> before = upstream(plan, step.id);
    const bool gated = std::any_of(before.begin(), before.end(), [&](const std::string& id) {
      const Step& needed = *plan.step(id);
      return needed.kind == StepKind::kGate && needed.phase == Phase::kContract;
    });
    problems.unless(gated, step, "it is irreversible and needs no gate of contract");
  }
}

}  // namespace

std::vector<std::string> verify(const Plan& plan) {
  Problems problems;
  if (plan.name.empty()) problems.add("the plan has no name");
  if (plan.steps.empty()) problems.add("the plan has no steps");
  for (const auto& [gate, release] : plan.releases) {
    if (release.empty()) problems.add(fmt::format("the release of {} has no name", gate));
  }
  for (const Step& step : plan.steps) {
    verify_words(step, problems);
    verify_payload(step, problems);
    verify_kind(step, plan, problems);
    verify_undo(step, problems);
    verify_sql(step, step.sql, step.transaction, problems);
    verify_sql(step, step.undo.value_or(std::vector<std::string>{}), step.undo_transaction, problems);
    verify_locks(step, problems);
  }
  if (verify_graph(plan, problems)) verify_point_of_no_return(plan, problems);
  return problems.take();
}

}  // namespace falsework
