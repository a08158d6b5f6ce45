#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/runbook/sections.h"
#include "engine/runbook/words.h"

namespace falsework::runbook {

namespace {

// What can go wrong with a plan, counted.
struct Risk {
  std::size_t short_stalls = 0;  // steps that block writes for a moment
  std::size_t long_stalls = 0;   // steps that block writes for longer
  std::size_t rewrites = 0;
  std::size_t irreversible = 0;
  std::size_t copies = 0;
  std::int64_t rows = 0, bytes = 0;    // copied; added to the disk by all steps
  std::chrono::milliseconds stall{0};  // the longest lock timeout of a step that blocks writes
};

Risk risk_of(const Plan& plan) {
  Risk risk;
  for (const Step& step : plan.steps) {
    bool blocks = false, long_block = false;
    for (const pg::TakenLock& lock : step.locks) {
      if (!blocks_writes(lock)) continue;
      blocks = true;
      long_block = long_block || lock.duration != pg::LockDuration::kMoment;
    }
    risk.long_stalls += long_block ? 1U : 0U;
    risk.short_stalls += blocks && !long_block ? 1U : 0U;
    risk.rewrites += step.rewrites ? 1U : 0U;
    risk.irreversible += step.irreversible ? 1U : 0U;
    risk.bytes += step.estimate.bytes;
    if (blocks) risk.stall = std::max(risk.stall, step.timeouts.lock);
    if (step.kind == StepKind::kBackfill) {
      ++risk.copies;
      risk.rows += step.estimate.rows;
    }
  }
  return risk;
}

std::string_view level_of(const Risk& risk) {
  if (risk.long_stalls > 0 || risk.rewrites > 0) return "High";
  if (risk.irreversible > 0 || risk.copies > 0) return "Medium";
  return "Low";
}

std::string risk_line(const Risk& risk) {
  std::string text;
  if (risk.long_stalls > 0) {
    text += fmt::format("{} longer than a moment; ",
                        count_of(risk.long_stalls, "step blocks writes for", "steps block writes for"));
  }
  if (risk.rewrites > 0)
    text += fmt::format("{}; ", count_of(risk.rewrites, "step rewrites a table", "steps rewrite a table"));
  if (risk.short_stalls > 0) {
    text += fmt::format("{} for a moment; a lock that is not had within {} ms is given up and tried again; ",
                        count_of(risk.short_stalls, "step blocks writes", "steps block writes"), risk.stall.count());
  } else if (risk.long_stalls == 0) {
    text += "no step blocks writes; ";
  }
  if (risk.copies > 0) {
    text += fmt::format("{} are copied in batches; ", count_of(static_cast<std::size_t>(risk.rows), "row", "rows"));
  }
  if (risk.bytes > 0) text += fmt::format("about {} are added to the disk; ", render_bytes(risk.bytes));
  text += risk.irreversible == 0 ? "everything can be undone."
                                 : fmt::format("{} cannot be undone.", count_of(risk.irreversible, "step", "steps"));
  return text;
}

Text point_of_no_return(const Plan& plan) {
  const auto found =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return step.irreversible; });
  if (found == plan.steps.end()) {
    return {strong("Point of no return: "), plain("none. Every step can be undone, from every phase.")};
  }
  Text text = {strong("Point of no return: ")};
  append(text, reference(plan, *found));
  append(text,
         {plain(fmt::format(", {}. Until then the whole run can be rolled back. {}", found->title, found->undo_note))});
  return text;
}

std::string steps_line(const Plan& plan) {
  const auto gates = std::count_if(plan.steps.begin(), plan.steps.end(),
                                   [](const Step& step) { return step.kind == StepKind::kGate; });
  return fmt::format("{} in {}, {}", count_of(plan.steps.size(), "step", "steps"),
                     count_of(phases_of(plan).size(), "phase", "phases"),
                     count_of(static_cast<std::size_t>(gates), "gate", "gates"));
}

std::string naive_cost(const PlannedChange& change) {
  std::string text;
  for (const pg::TakenLock& lock : change.naive_locks) {
    text += fmt::format("{} {} on {}, which blocks {}, for {}", text.empty() ? "It would take" : ", and",
                        pg::sql(lock.mode), lock.relation, pg::blocks(lock.mode), describe(lock.duration));
  }
  if (!text.empty()) text += ". ";
  if (change.naive_rewrites) text += "It would rewrite every row of the table. ";
  if (change.naive_scans) text += "It would read the whole table under that lock. ";
  if (!change.naive_rewrites && !change.naive_scans) text += "It would neither rewrite nor read the table. ";
  return text + "And every client would have to know the new shape at that instant.";
}

void add_change(const PlannedChange& change, std::size_t number, Outline& outline) {
  outline.push_back(Heading{3, {plain(fmt::format("Change {}: {}", number, change.summary))}});
  outline.push_back(Table{{{plain("Kind")}, {plain("On")}, {plain("Strategy")}},
                          {{{code(change.kind)}, {code(change.relation)}, {code(change.strategy)}}}});
  const std::string_view how = describe_strategy(change.strategy);
  outline.push_back(Paragraph{{plain(fmt::format("{}{}{}", how, how.empty() ? "" : " ", change.reason))}});
  for (const std::string& warning : change.warnings) {
    outline.push_back(Callout{Callout::Kind::kWarning, {plain(warning)}});
  }
  if (change.naive_sql.empty()) return;
  outline.push_back(Paragraph{{plain("What the plain statement would have done:")}});
  outline.push_back(Listing{"sql", listing_of({change.naive_sql})});
  outline.push_back(Paragraph{{plain(naive_cost(change))}});
}

// A stretch of steps between two gates, as a row of the time line.
struct Stretch {
  std::size_t steps = 0;
  std::vector<Phase> phases;
  bool irreversible = false;
};

Stretch stretch_from(const Plan& plan, std::size_t first) {
  Stretch stretch;
  for (std::size_t i = first; i < plan.steps.size() && plan.steps[i].kind != StepKind::kGate; ++i) {
    const Step& step = plan.steps[i];
    ++stretch.steps;
    if (stretch.phases.empty() || stretch.phases.back() != step.phase) stretch.phases.push_back(step.phase);
    stretch.irreversible = stretch.irreversible || step.irreversible;
  }
  return stretch;
}

std::vector<Text> row_of(const Stretch& stretch, std::size_t number) {
  Text what = {plain(count_of(stretch.steps, "step", "steps") + " of ")};
  for (std::size_t i = 0; i < stretch.phases.size(); ++i) {
    append(what, {plain(i == 0 ? "" : ", "), code(std::string(name(stretch.phases[i])))});
  }
  return {{plain(std::to_string(number))},
          std::move(what),
          {plain("none: they follow by themselves")},
          {plain(stretch.irreversible ? "not to the end: the point of no return lies here" : "can be rolled back")}};
}

std::vector<Text> row_of(const Plan& plan, const Step& gate, bool before_irreversible, std::size_t number) {
  Text what = {plain("gate "), code(gate.gate->name), plain(" waits for ")};
  std::string command = "falsework advance RUN";
  for (std::size_t i = 0; i < gate.gate->conditions.size(); ++i) {
    const GateCondition& condition = gate.gate->conditions[i];
    if (i > 0) append(what, {plain(" and ")});
    if (condition.kind == GateCondition::Kind::kRelease) {
      append(what, {plain("release "), code(condition.release), plain(" to be out everywhere")});
      command += " --release " + shell_word(condition.release);
    } else {
      append(what, {plain("a person to say so")});
    }
  }
  if (before_irreversible) command += " --confirm " + shell_word(plan.name);
  return {{plain(std::to_string(number))}, std::move(what), {code(command)}, {plain("can be rolled back")}};
}

}  // namespace

void add_summary(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{1, {plain("Runbook: " + plan.name)}});
  Bullets changes;
  for (const PlannedChange& change : plan.changes) changes.items.push_back({strong(change.summary)});
  if (!changes.items.empty()) outline.push_back(changes);
  const Risk risk = risk_of(plan);
  outline.push_back(Paragraph{{strong(fmt::format("Risk: {}.", level_of(risk))), plain(" " + risk_line(risk))}});
  outline.push_back(Paragraph{point_of_no_return(plan)});
  Table facts{{{}, {}}, {}};
  const auto fact = [&](const char* label, Text value) { facts.rows.push_back({{plain(label)}, std::move(value)}); };
  fact("Database", {code(plan.database), plain(" on system "), code(plan.system_identifier)});
  fact("Server", {plain(render_server(plan.server_version))});
  fact("Steps", {plain(steps_line(plan))});
  for (const auto& [gate, release] : plan.releases) fact("Release", {code(release), plain(" for "), code(gate)});
  fact("Made by", {plain("Falsework " + plan.engine_version)});
  fact("Plan digest", {code(plan.digest)});
  outline.push_back(std::move(facts));
  outline.push_back(Paragraph{{plain("Everything on this page comes from the plan; it holds for that digest alone. "),
                               plain("RUN stands for the run's id, which "), code("falsework apply"),
                               plain(" prints, and PLAN for the plan's file.")}});
}

void add_changes(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("What changes, and why this way")}});
  for (std::size_t i = 0; i < plan.changes.size(); ++i) add_change(plan.changes[i], i + 1, outline);
}

void add_who_is_affected(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Who is affected")}});
  struct Entry {
    std::vector<pg::TakenLock> locks;
    Text steps;
  };
  std::map<std::string, Entry> relations;
  for (const Step& step : plan.steps) {
    for (const pg::TakenLock& lock : step.locks) {
      Entry& entry = relations[lock.relation];
      entry.locks.push_back(lock);
      if (!blocks_writes(lock)) continue;
      append(entry.steps, {plain(fmt::format("{}{}", entry.steps.empty() ? "" : ", ", number_of(plan, step)))});
    }
  }
  Table table{{{plain("Who uses")},
               {plain("meets at most")},
               {plain("which blocks")},
               {plain("for")},
               {plain("Writes wait in steps")}},
              {}};
  for (const auto& [relation, entry] : relations) {
    const pg::TakenLock lock = *strongest(entry.locks);
    table.rows.push_back({{code(relation)},
                          {plain(std::string(pg::sql(lock.mode)))},
                          {plain(std::string(pg::blocks(lock.mode)))},
                          {plain(std::string(describe(lock.duration)))},
                          entry.steps.empty() ? Text{plain("none")} : entry.steps});
  }
  if (table.rows.empty()) {
    outline.push_back(Paragraph{{plain("Nobody: no step takes a lock on a table or view.")}});
  } else {
    outline.push_back(std::move(table));
  }
}

void add_time_line(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Releases and gates")}});
  Table table{{{plain("Order")}, {plain("What happens")}, {plain("Command")}, {plain("Undo")}}, {}};
  table.rows.push_back(
      {{plain("1")}, {plain("the run begins")}, {code("falsework apply PLAN")}, {plain("none needed")}});
  for (std::size_t i = 0; i < plan.steps.size();) {
    const Step& step = plan.steps[i];
    const std::size_t number = table.rows.size() + 1;
    if (step.kind == StepKind::kGate && step.gate) {
      table.rows.push_back(row_of(plan, step, stretch_from(plan, i + 1).irreversible, number));
      ++i;
      continue;
    }
    const Stretch stretch = stretch_from(plan, i);
    table.rows.push_back(row_of(stretch, number));
    i += std::max<std::size_t>(stretch.steps, 1);
  }
  outline.push_back(std::move(table));
  outline.push_back(
      Paragraph{{plain("A closed gate holds the steps that need it, and nothing else. Stopping at a gate "
                       "is success: the run waits there for as long as it must.")}});
}

}  // namespace falsework::runbook
