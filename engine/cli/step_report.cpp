#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/duration.h"
#include "base/identifier.h"
#include "engine/cli/preflight_report.h"
#include "engine/cli/report.h"
#include "engine/runbook/words.h"
#include "executor/schedule.h"
#include "plans/graph.h"

namespace falsework::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kStatementPlaces = 110;

// The first line of a statement, cut: enough to know it again in the runbook.
std::string shortened(const std::string& statement) {
  const std::string line = statement.substr(0, statement.find('\n'));
  const std::string_view cut = cut_utf8(line, kStatementPlaces);
  return cut.size() < statement.size() ? std::string(cut) + " …" : std::string(cut);
}

std::string describe_lock(const pg::TakenLock& lock) {
  return fmt::format("{} on {}, {}", runbook::describe(lock), lock.relation, runbook::describe(lock.duration));
}

void add_undo(std::string& text, const Step& step) {
  if (step.irreversible || !step.undo) {
    text += fmt::format("     undo: none; this cannot be undone: {}\n", step.undo_note);
    return;
  }
  for (const std::string& statement : *step.undo) text += fmt::format("     undo: {}\n", shortened(statement));
  if (step.undo->empty()) text += "     undo: nothing has to be done\n";
}

std::string conditions_of(const Step& step) {
  std::vector<std::string> conditions;
  for (const GateCondition& condition : step.gate->conditions) {
    const bool by_person = condition.kind == GateCondition::Kind::kAdvance;
    conditions.push_back(by_person ? "`falsework advance`" : render_condition(condition));
  }
  return fmt::format("{}", fmt::join(conditions, ", "));
}

void add_section(std::string& text, std::string_view title, const std::vector<std::string>& statements) {
  if (statements.empty()) return;
  text += fmt::format("\n{}:\n{}", title, runbook::listing_of(statements));
}

// What a failed check says, and what is to be done then.
void add_verdict(std::string& text, const Check& check) {
  text += fmt::format("\nwhere a row is found, the run stops: {}\n  {}\n", check.message, check.hint);
}

// The locks of a phase that are as strong and as long as its strongest, on one line.
std::string describe_strongest(const std::vector<pg::TakenLock>& locks) {
  const auto strongest = runbook::strongest(locks);
  if (!strongest) return {};
  std::set<std::string> relations;
  for (const pg::TakenLock& lock : locks) {
    if (lock.mode == strongest->mode && lock.duration == strongest->duration) relations.insert(lock.relation);
  }
  return fmt::format(", at most {} on {}, {}", runbook::describe(*strongest), fmt::join(relations, ", "),
                     runbook::describe(strongest->duration));
}

}  // namespace

std::string describe_intention(const Intention& intention) {
  const std::string subject = intention.run.empty() ? fmt::format("a new run of {}", intention.name) : intention.run;
  std::string text = fmt::format("{}: {} {}\n", subject, runbook::count_of(intention.steps.size(), "step", "steps"),
                                 intention.undo ? "to undo" : "to run");
  int number = 0;
  for (const Step* step : intention.steps) {
    text += fmt::format("{:3}. {}: {}\n", ++number, step->id, step->title);
    for (const pg::TakenLock& lock : intention.undo ? step->undo_locks : step->locks) {
      text += fmt::format("     lock: {}\n", describe_lock(lock));
    }
    if (step->kind != StepKind::kGate && step->kind != StepKind::kNote) add_undo(text, *step);
  }
  if (intention.closed_gate != nullptr) {
    text +=
        fmt::format("then it waits at {} for {}\n", intention.closed_gate->id, conditions_of(*intention.closed_gate));
  }
  if (intention.preflight) {
    text += fmt::format("before it begins:\n{}\n", describe(*intention.preflight, true));
  }
  text.pop_back();
  return text;
}

std::string render_intentions_json(const std::vector<Intention>& intentions) {
  Json json;
  json["dry_run"] = Json::array();
  for (const Intention& intention : intentions) {
    Json each;
    each["run"] = intention.run.empty() ? Json(nullptr) : Json(intention.run);
    each["name"] = intention.name;
    each["undo"] = intention.undo;
    each["steps"] = Json::array();
    for (const Step* step : intention.steps) {
      Json item;
      item["id"] = step->id;
      item["phase"] = falsework::name(step->phase);
      item["kind"] = falsework::name(step->kind);
      item["title"] = step->title;
      item["sql"] = step->sql;
      item["undo"] = step->undo ? Json(*step->undo) : Json(nullptr);
      item["irreversible"] = step->irreversible;
      item["locks"] = Json::array();
      for (const pg::TakenLock& lock : intention.undo ? step->undo_locks : step->locks) {
        item["locks"].push_back(
            {{"relation", lock.relation}, {"mode", pg::name(lock.mode)}, {"duration", pg::name(lock.duration)}});
      }
      each["steps"].push_back(item);
    }
    each["stops_at"] = intention.closed_gate == nullptr ? Json(nullptr) : Json(intention.closed_gate->id);
    each["preflight"] = json_of(intention.preflight);
    json["dry_run"].push_back(each);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string render_steps_json(const Plan& plan) {
  Json json;
  json["steps"] = Json::array();
  for (const Step& step : plan.steps) {
    json["steps"].push_back({{"id", step.id},
                             {"phase", falsework::name(step.phase)},
                             {"kind", falsework::name(step.kind)},
                             {"title", step.title}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string list_steps(const Plan& plan) {
  std::string text;
  std::optional<Phase> phase;
  for (const Step& step : plan.steps) {
    if (phase != step.phase) text += fmt::format("{}:\n", falsework::name(step.phase));
    phase = step.phase;
    text += fmt::format("{:3}. {}: {}\n", runbook::number_of(plan, step), step.id, step.title);
  }
  if (!text.empty()) text.pop_back();
  return text;
}

std::string render_step_json(const Plan& plan, const Step& step) {
  const Json json = Json::parse(render_plan(plan));
  const auto number = static_cast<std::size_t>(runbook::number_of(plan, step));
  return json.at("steps").at(number - 1).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string describe_step(const Plan& plan, const Step& step) {
  std::string text = fmt::format("{}: {}\n\n{}\n\n", step.id, step.title, step.why);
  text += fmt::format("step {} of {}, phase {}, kind {}\n", runbook::number_of(plan, step), plan.steps.size(),
                      falsework::name(step.phase), falsework::name(step.kind));
  if (!step.relations.empty()) text += fmt::format("relations: {}\n", fmt::join(step.relations, ", "));
  if (const auto needs = direct_needs(plan, step); !needs.empty()) {
    text += fmt::format("needs: {}\n", fmt::join(needs, ", "));
  }
  for (const pg::TakenLock& lock : step.locks) text += fmt::format("lock: {}\n", describe_lock(lock));
  if (step.kind != StepKind::kGate && step.kind != StepKind::kNote) {
    text +=
        fmt::format("rewrites the table: {}; scans it: {}\n", step.rewrites ? "yes" : "no", step.scans ? "yes" : "no");
    text += fmt::format("one transaction: {}\n", step.transaction ? "yes" : "no");
    text += fmt::format("lock timeout {}, budget {}\n",
                        step.timeouts.lock.count() == 0 ? "none" : render_duration(step.timeouts.lock),
                        render_duration(step.timeouts.budget));
  }
  if (step.estimate.rows > 0 || step.estimate.bytes > 0) {
    text += fmt::format("estimate: {} rows, {} more on the disk\n", runbook::render_count(step.estimate.rows),
                        runbook::render_bytes(step.estimate.bytes));
  }
  if (step.gate) text += fmt::format("waits for: {}\n", conditions_of(step));
  if (step.copy) {
    add_section(text, "SQL of each batch", {step.copy->statement});
  } else {
    add_section(text, step.check ? "SQL of each range" : "SQL", step.sql);
  }
  if (step.check) add_verdict(text, *step.check);
  if (!step.done_when.empty()) add_section(text, "done when this is true", {step.done_when});
  if (step.irreversible || !step.undo) {
    text += fmt::format("\ncannot be undone: {}\n", step.undo_note);
  } else {
    add_section(text, "undo", *step.undo);
    if (!step.undo_note.empty()) text += fmt::format("\nundoing: {}\n", step.undo_note);
  }
  text.pop_back();
  return text;
}

std::string summarize(const Plan& plan, const std::string& file) {
  std::string text =
      fmt::format("plan {} for {} of {}, {}\n", plan.name, plan.database, runbook::render_server(plan.server_version),
                  runbook::count_of(plan.steps.size(), "step", "steps"));
  for (const PlannedChange& change : plan.changes) {
    text += fmt::format("\n{}\n  how: {}; {}\n", change.summary, change.strategy, change.reason);
    for (const std::string& warning : change.warnings) text += fmt::format("  warning: {}\n", warning);
  }
  text += '\n';
  for (const Phase phase : runbook::phases_of(plan)) {
    std::vector<pg::TakenLock> locks;
    std::size_t steps = 0;
    for (const Step& step : plan.steps) {
      if (step.phase != phase) continue;
      ++steps;
      locks.insert(locks.end(), step.locks.begin(), step.locks.end());
      if (step.gate) text += fmt::format("  {} waits for {}\n", step.id, conditions_of(step));
    }
    text += fmt::format("{}: {}{}\n", falsework::name(phase), runbook::count_of(steps, "step", "steps"),
                        describe_strongest(locks));
  }
  text += fmt::format("\ndigest {}\nnext: falsework runbook {} -o {}.md, then: falsework apply {}", plan.digest, file,
                      plan.name, file);
  return text;
}

}  // namespace falsework::cli
