#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/runbook/account.h"
#include "engine/runbook/gate_words.h"
#include "engine/runbook/risk.h"
#include "engine/runbook/sections.h"
#include "engine/runbook/words.h"

namespace falsework::runbook {

namespace {

// Who waits while some steps run: the steps that block writes, by relation.
struct Waits {
  std::map<std::string, std::vector<const Step*>> moments;  // relation -> steps that block it for a moment
  std::map<std::string, std::vector<const Step*>> longer;
  std::set<const Step*> steps;
  bool reads = false;  // in one of them at least
};

void count(const Step& step, Waits& waits) {
  for (const pg::TakenLock& lock : step.locks) {
    if (!blocks_writes(lock)) continue;
    auto& relations = lock.duration == pg::LockDuration::kMoment ? waits.moments : waits.longer;
    relations[lock.relation].push_back(&step);
    waits.steps.insert(&step);
    waits.reads = waits.reads || blocks_reads(lock);
  }
}

Waits waits_of(const Plan& plan) {
  Waits waits;
  for (const Step& step : plan.steps) count(step, waits);
  return waits;
}

Text relations_of(const std::map<std::string, std::vector<const Step*>>& relations) {
  Text text;
  for (const auto& [relation, steps] : relations) {
    append(text, {plain(text.empty() ? "" : ", "), code(relation)});
  }
  return text;
}

// `writes of orders, payments wait for a moment`.
Text say(const Waits& waits) {
  const std::string who = waits.reads ? "reads and writes of " : "writes of ";
  Text text;
  if (!waits.longer.empty()) {
    append(text, {plain(who)});
    append(text, relations_of(waits.longer));
    append(text, {strong(" wait for longer than a moment")});
  }
  if (!waits.moments.empty()) {
    append(text, {plain((text.empty() ? "" : "; ") + who)});
    append(text, relations_of(waits.moments));
    append(text, {plain(" wait for a moment")});
  }
  return text;
}

Text what_happens(const Plan& plan, const Risk& risk) {
  std::set<std::string> strategies;
  for (const PlannedChange& change : plan.changes) strategies.insert(change.strategy);
  std::string text;
  for (const std::string& strategy : strategies) {
    const std::string_view words = describe_strategy(strategy);
    if (!words.empty()) text += fmt::format("{}{}", text.empty() ? "" : " ", words);
  }
  if (risk.copies > 0) {
    // Without statistics of the table the number is not known.
    text +=
        fmt::format("{}{} there already: they get the new value in small batches, while clients go on writing.",
                    text.empty() ? "" : " ",
                    risk.rows > 0 ? count_of(static_cast<std::size_t>(risk.rows), "row is", "rows are") : "Rows are");
  }
  return {plain(text)};
}

Text who_is_affected(const Waits& waits) {
  if (waits.steps.empty()) return {plain("Nobody waits: no step blocks writes.")};
  std::map<std::string, std::set<const Step*>> by_relation;
  for (const auto* relations : {&waits.moments, &waits.longer}) {
    for (const auto& [relation, steps] : *relations) by_relation[relation].insert(steps.begin(), steps.end());
  }
  Text text = {plain("Whoever writes ")};
  for (const auto& [relation, steps] : by_relation) {
    append(text, {plain(&relation == &by_relation.begin()->first ? "" : ", "), code(relation),
                  plain(fmt::format(" (waits in {})", count_of(steps.size(), "step", "steps")))});
  }
  append(text, {plain(waits.reads ? "; readers wait too." : "; readers never wait.")});
  return text;
}

// A plan of many steps would fill the line with numbers; the phase table and the steps have them all.
Text when_it_locks(const Plan& plan, const Waits& waits, const Risk& risk) {
  if (waits.steps.empty()) return {plain("Never so that a read or a write would wait.")};
  Text text;
  for (const auto& [relation, steps] : waits.longer) {
    for (const Step* step : steps) {
      append(text, {strong("For longer than a moment"), plain(": "), code(relation), plain(" in ")});
      append(text, reference(plan, *step));
      append(text, {plain(". ")});
    }
  }
  std::map<Phase, std::set<int>> moments;
  for (const auto& [relation, steps] : waits.moments) {
    for (const Step* step : steps) moments[step->phase].insert(number_of(plan, *step));
  }
  Text list;
  for (const auto& [phase, numbers] : moments) {
    append(list, {plain(list.empty() ? "For a moment each in " : ", "), code(std::string(name(phase))),
                  plain(numbers.size() == 1 ? " (step " : " (steps ")});
    for (const int number : numbers) {
      append(list, {plain(number == *numbers.begin() ? "" : ", "),
                    link(std::to_string(number), fmt::format("step-{}", number))});
    }
    append(list, {plain(")")});
  }
  append(text, std::move(list));
  append(text, {plain(fmt::format("{}A lock that is not had within {} ms is given up, everyone else passes, and it is "
                                  "tried again.",
                                  moments.empty() ? "" : ". ", risk.stall.count()))});
  return text;
}

const Step* first_irreversible(const Plan& plan) {
  const auto found =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return step.irreversible; });
  return found == plan.steps.end() ? nullptr : &*found;
}

// The last gate before a step.
const Step* gate_before(const Plan& plan, const Step& step) {
  const Step* gate = nullptr;
  for (const Step& each : plan.steps) {
    if (&each == &step) break;
    if (each.gate) gate = &each;
  }
  return gate;
}

const Step* first_archived(const Plan& plan) {
  const auto found =
      std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return !step.archives.empty(); });
  return found == plan.steps.end() ? nullptr : &*found;
}

Text while_archived(const Plan& plan, const Step& step) {
  Text text = {plain("As long as the archive is kept, also after the end. Until ")};
  append(text, reference(plan, step));
  append(text, {plain(" runs, "), code("falsework rollback RUN"),
                plain(" takes the whole run back with short locks. From then on it takes the old values from ")});
  append(text, archives_of(plan));
  append(text,
         {plain(", and rewrites the table under a lock that blocks everyone. When the archive is dropped, nothing "
                "takes the run back any more.")});
  return text;
}

// What going back costs or leaves. A copy that is undone leaves nothing but with its column.
Text price_of_going_back(const Plan& plan) {
  std::set<std::string> told;
  Text text;
  for (const Step& step : plan.steps) {
    if (step.irreversible || step.kind == StepKind::kBackfill || step.undo_note.empty()) continue;
    if (!told.insert(step.undo_note).second) continue;
    append(text, {plain(" Undoing ")});
    append(text, reference(plan, step));
    append(text, {plain(": " + step.undo_note)});
  }
  return text;
}

Text until_when(const Plan& plan) {
  const Step* const last = first_irreversible(plan);
  const Step* const archived = first_archived(plan);
  if (last == nullptr && archived != nullptr) return while_archived(plan, *archived);
  if (last == nullptr) {
    Text text = {plain("Always. Every step can be undone, from every phase, with "), code("falsework rollback RUN"),
                 plain(".")};
    append(text, price_of_going_back(plan));
    return text;
  }
  Text text = {plain("Until ")};
  append(text, reference(plan, *last));
  append(text, {plain(fmt::format(": {}. ", last->title))});
  if (const Step* const gate = gate_before(plan, *last)) {
    append(text, {plain("It runs when gate "), code(gate->gate->name), plain(" is open, that is when ")});
    append(text, describe(*gate->gate));
    append(text, {plain(". ")});
  }
  append(text, {plain("Before it "), code("falsework rollback RUN"),
                plain(fmt::format(
                    " takes the whole run back, and no value is lost. From there on the run can only go forward. {}",
                    last->undo_note))});
  append(text, price_of_going_back(plan));
  return text;
}

// A stretch of steps between two gates.
struct Stretch {
  std::size_t steps = 0;
  std::vector<Phase> phases;
  Waits waits;
  const Step* irreversible = nullptr;  // the first
  bool archived = false;               // one at least can be undone while its archive is kept
};

Stretch stretch_from(const Plan& plan, std::size_t first) {
  Stretch stretch;
  for (std::size_t i = first; i < plan.steps.size() && plan.steps[i].kind != StepKind::kGate; ++i) {
    const Step& step = plan.steps[i];
    ++stretch.steps;
    if (stretch.phases.empty() || stretch.phases.back() != step.phase) stretch.phases.push_back(step.phase);
    if (step.irreversible && stretch.irreversible == nullptr) stretch.irreversible = &step;
    stretch.archived = stretch.archived || !step.archives.empty();
    count(step, stretch.waits);
  }
  return stretch;
}

TimeLine::Entry entry_of(const Plan& plan, const Stretch& stretch, bool first) {
  TimeLine::Entry entry;
  entry.kind = stretch.irreversible != nullptr ? TimeLine::Entry::Kind::kPointOfNoReturn : TimeLine::Entry::Kind::kWork;
  entry.what = {plain(count_of(stretch.steps, "step", "steps") + " of ")};
  for (std::size_t i = 0; i < stretch.phases.size(); ++i) {
    const std::string phase(name(stretch.phases[i]));
    append(entry.what, {plain(i == 0 ? "" : ", "), {Span::Kind::kCode, phase, anchor_of(stretch.phases[i])}});
    entry.why += fmt::format("{}{}", i == 0 ? "" : "; then ", purpose(plan, stretch.phases[i]));
  }
  entry.waits = stretch.waits.steps.empty() ? Text{plain("nobody waits")} : say(stretch.waits);
  entry.command = first ? Text{code("falsework apply PLAN")} : Text{plain("none: they follow by themselves")};
  if (stretch.irreversible == nullptr) {
    entry.undo = {plain(stretch.archived ? "can be rolled back while the archive is kept" : "can be rolled back")};
  } else {
    entry.undo = {plain("not to the end: the point of no return lies here, at ")};
    append(entry.undo, {link(fmt::format("step {}", number_of(plan, *stretch.irreversible)),
                             fmt::format("step-{}", number_of(plan, *stretch.irreversible)))});
  }
  return entry;
}

TimeLine::Entry entry_of(const Plan& plan, const Step& gate) {
  TimeLine::Entry entry;
  entry.kind = TimeLine::Entry::Kind::kGate;
  entry.what = {plain("gate "),
                {Span::Kind::kCode, gate.gate->name, fmt::format("step-{}", number_of(plan, gate))},
                plain(" opens when ")};
  append(entry.what, describe(*gate.gate));
  entry.waits = {plain("nobody waits")};
  entry.command = {code(opening_command(plan, gate))};
  entry.undo = {plain("can be rolled back")};
  return entry;
}

std::string steps_line(const Plan& plan) {
  const auto gates = std::count_if(plan.steps.begin(), plan.steps.end(),
                                   [](const Step& step) { return step.kind == StepKind::kGate; });
  return fmt::format("{} in {}, {}", count_of(plan.steps.size(), "step", "steps"),
                     count_of(phases_of(plan).size(), "phase", "phases"),
                     count_of(static_cast<std::size_t>(gates), "gate", "gates"));
}

// Statements that would cost the same share one sentence.
Text naive_of(const Plan& plan) {
  std::vector<std::pair<std::string, Text>> costs;
  for (const PlannedChange& change : plan.changes) {
    if (change.naive_sql.empty()) continue;
    const std::string cost = naive_cost(change);
    auto same = std::find_if(costs.begin(), costs.end(), [&](const auto& each) { return each.first == cost; });
    if (same == costs.end()) same = costs.insert(costs.end(), {cost, {}});
    append(same->second, {plain(same->second.empty() ? "" : ", and "), code(change.naive_sql)});
  }
  Text text;
  for (auto& [cost, statements] : costs) {
    append(text, {plain(text.empty() ? "" : " ")});
    append(text, std::move(statements));
    append(text, {plain(": " + cost)});
  }
  if (!text.empty()) append(text, {plain(std::string(kAtThatInstant))});
  return text;
}

std::vector<Badge> badges_of(const Plan& plan, const Risk& risk) {
  const std::string_view level = level_of(risk);
  const Step* const last = first_irreversible(plan);
  return {
      {fmt::format("Risk: {}", level), level == "High"     ? Badge::Tone::kDanger
                                       : level == "Medium" ? Badge::Tone::kLock
                                                           : Badge::Tone::kGood},
      {last == nullptr ? first_archived(plan) == nullptr ? "Everything can be undone" : "Can be undone while archived"
                       : fmt::format("Can be undone until step {}", number_of(plan, *last)),
       last == nullptr ? Badge::Tone::kGood : Badge::Tone::kGate}};
}

}  // namespace

void add_summary(const Plan& plan, const Known& known, Outline& outline) {
  const Risk risk = risk_of(plan);
  const Waits waits = waits_of(plan);
  Heading title{1, {plain("Runbook: " + plan.name)}, "top", badges_of(plan, risk)};
  if (known.account != nullptr) {
    title.text = {plain("Run: " + known.account->record.run)};
    title.badges.insert(title.badges.begin(), badge_of(*known.account));
  }
  outline.push_back(std::move(title));
  Bullets changes;
  for (const PlannedChange& change : plan.changes) changes.items.push_back({strong(change.summary)});
  if (!changes.items.empty()) outline.push_back(changes);
  outline.push_back(Paragraph{{strong(fmt::format("Risk: {}.", level_of(risk))), plain(" " + risk_line(risk))}});
  Table facts{{{}, {}}, {}};
  const auto fact = [&](const char* label, Text value) {
    if (!value.empty()) facts.rows.push_back({{plain(label)}, std::move(value)});
  };
  fact("What happens", what_happens(plan, risk));
  fact("Who is affected", who_is_affected(waits));
  fact("When it locks", when_it_locks(plan, waits, risk));
  fact("Until when it can be undone", until_when(plan));
  fact("What one plain statement would do instead", naive_of(plan));
  outline.push_back(std::move(facts));
}

void add_time_line(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Releases and gates")}, "time-line"});
  TimeLine line;
  for (std::size_t i = 0; i < plan.steps.size();) {
    if (plan.steps[i].gate) {
      line.entries.push_back(entry_of(plan, plan.steps[i]));
      ++i;
      continue;
    }
    const Stretch stretch = stretch_from(plan, i);
    line.entries.push_back(entry_of(plan, stretch, i == 0));
    i += std::max<std::size_t>(stretch.steps, 1);
  }
  if (!plan.steps.empty() && plan.steps.front().gate) {
    line.entries.insert(line.entries.begin(), {TimeLine::Entry::Kind::kWork,
                                               {plain("the run begins")},
                                               {plain("nobody waits")},
                                               {code("falsework apply PLAN")},
                                               {plain("none needed")}});
  }
  outline.push_back(std::move(line));
  outline.push_back(
      Paragraph{{plain("A closed gate holds the steps that need it, and nothing else. Stopping at a gate "
                       "is success: the run waits there for as long as it must.")}});
}

void add_identity(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Which plan this is")}, "plan"});
  Table facts{{{}, {}}, {}};
  const auto fact = [&](const char* label, Text value) { facts.rows.push_back({{plain(label)}, std::move(value)}); };
  fact("Plan digest", {code(plan.digest)});
  fact("Database", {code(plan.database), plain(" on system "), code(plan.system_identifier)});
  fact("Server", {plain(render_server(plan.server_version))});
  fact("Steps", {plain(steps_line(plan))});
  for (const auto& [gate, release] : plan.releases) fact("Release", {code(release), plain(" for "), code(gate)});
  fact("Made by", {plain("Falsework " + plan.engine_version)});
  outline.push_back(std::move(facts));
  outline.push_back(Paragraph{{plain("Everything on this page comes from the plan; it holds for that digest alone. "),
                               plain("RUN stands for the run's id, which "), code("falsework apply"),
                               plain(" prints, and PLAN for the plan's file.")}});
}

}  // namespace falsework::runbook
