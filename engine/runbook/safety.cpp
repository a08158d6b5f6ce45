#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/runbook/sections.h"
#include "engine/runbook/words.h"
#include "plans/bare_sql.h"

namespace falsework::runbook {

namespace {

bool has_kind(const Plan& plan, StepKind kind) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) { return step.kind == kind; });
}

// What undoing the phases after `keep` means; nullopt keeps nothing.
struct Way {
  std::optional<Phase> keep;
  std::vector<const Step*> undone;  // in the order in which they are undone
  std::vector<pg::TakenLock> locks;
  std::vector<const Step*> irreversible;
};

Way way_back(const Plan& plan, std::optional<Phase> keep) {
  Way way{keep, {}, {}, {}};
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    if (keep && step->phase <= *keep) continue;
    if (step->kind == StepKind::kGate || step->kind == StepKind::kNote) continue;
    if (step->irreversible) {
      way.irreversible.push_back(&*step);
      continue;
    }
    way.undone.push_back(&*step);
    way.locks.insert(way.locks.end(), step->undo_locks.begin(), step->undo_locks.end());
  }
  return way;
}

// What the way back does to others, and what has to be done again by whoever goes forward once more.
std::string cost_of(const Way& way) {
  if (way.undone.empty()) return "nothing";
  std::set<const Step*> stalls;
  std::int64_t rows = 0;
  bool longer = false;
  for (const Step* step : way.undone) {
    for (const pg::TakenLock& lock : step->undo_locks) {
      if (!blocks_writes(lock)) continue;
      stalls.insert(step);
      longer = longer || lock.duration != pg::LockDuration::kMoment;
    }
    if (step->kind == StepKind::kBackfill) rows += step->estimate.rows;
  }
  std::string text = stalls.empty()
                         ? "no write waits"
                         : fmt::format("writes wait in {}, {}", count_of(stalls.size(), "step", "steps"),
                                       longer ? "in one at least for longer than a moment" : "each for a moment");
  text += fmt::format("; going forward again runs {} again", count_of(way.undone.size(), "step", "steps"));
  if (rows > 0) text += fmt::format(" and copies {}", count_of(static_cast<std::size_t>(rows), "row", "rows"));
  return text;
}

void add_way(const Plan& plan, const Way& way, Outline& outline) {
  const std::string target = way.keep ? fmt::format(" --to-phase {}", name(*way.keep)) : "";
  outline.push_back(Heading{3, way.keep ? Text{plain("Back to the end of "), code(std::string(name(*way.keep)))}
                                        : Text{plain("Back to the beginning")}});
  outline.push_back(Listing{"sh", "falsework rollback RUN" + target + "\n"});
  Bullets facts;
  std::string order, notes;
  for (const Step* step : way.undone) {
    order += fmt::format("{}{}", order.empty() ? "step " : ", then ", number_of(plan, *step));
    if (step->undo_note.empty()) continue;
    notes += fmt::format("{}{} (step {})", notes.empty() ? "" : " ", step->undo_note, number_of(plan, *step));
  }
  facts.items.push_back({strong("Undoes: "), plain(order.empty() ? "no step; gates close again" : order)});
  const std::optional<pg::TakenLock> lock = strongest(way.locks);
  facts.items.push_back({strong("Strongest lock: ")});
  append(facts.items.back(),
         lock ? Text{code(lock->relation), plain(fmt::format(" {}, for {}", describe(*lock), describe(lock->duration)))}
              : Text{plain("none on a table or view")});
  facts.items.push_back({strong("Costs: "), plain(cost_of(way))});
  facts.items.push_back(notes.empty() ? Text{strong("Is lost: "), plain("nothing")}
                                      : Text{strong("To know: "), plain(notes)});
  for (auto step = way.irreversible.rbegin(); step != way.irreversible.rend(); ++step) {
    facts.items.push_back({strong("Refused")});
    append(facts.items.back(), {plain(" once ")});
    append(facts.items.back(), reference(plan, **step));
    append(facts.items.back(), {plain(" has run: " + (*step)->undo_note)});
  }
  outline.push_back(std::move(facts));
}

}  // namespace

void add_preflight(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Before it starts")}, "preflight"});
  std::int64_t bytes = 0;
  std::set<std::string> relations;
  for (const Step& step : plan.steps) {
    bytes += step.estimate.bytes;
    for (const pg::TakenLock& lock : step.locks) relations.insert(lock.relation);
  }
  Text tables = {plain("no transaction on ")};
  for (const std::string& relation : relations) {
    append(tables, {plain(&relation == &*relations.begin() ? "" : ", "), code(relation)});
  }
  append(tables, {plain(" stays open for long, and none is left idle: every short lock waits behind it")});
  Bullets list{{}, true};
  list.items.push_back({plain("the digest on this page is that of the plan file that will be applied")});
  list.items.push_back(
      {code("falsework drift PLAN"), plain(" finds nothing: the catalog is as it was when this was planned")});
  if (!relations.empty()) list.items.push_back(std::move(tables));
  if (bytes > 0) {
    list.items.push_back(
        {plain(fmt::format("the disk has room for {} more, and for the WAL of as much", render_bytes(bytes)))});
  }
  if (has_kind(plan, StepKind::kBackfill)) {
    list.items.push_back({plain("replicas keep up, and no replication slot is held back: the copy writes WAL")});
  }
  if (has_kind(plan, StepKind::kConcurrent)) {
    list.items.push_back(
        {plain("no session holds a snapshot for hours, anywhere in the database: a concurrent build waits for each")});
  }
  list.items.push_back({plain(
      "the connection goes straight to the server, not through a transaction pooler, as a role that owns the tables")});
  list.items.push_back({plain("a backup exists, and restoring it has been tried")});
  outline.push_back(std::move(list));
  outline.push_back(Paragraph{{plain("Who has been in a transaction for more than a minute:")}});
  outline.push_back(
      Listing{"sql",
              "SELECT pid, usename, application_name, state, now() - xact_start AS age, query\n"
              "FROM pg_stat_activity WHERE xact_start < now() - interval '1 minute' ORDER BY xact_start;\n"});
}

void add_rollback(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Rollback")}, "rollback"});
  outline.push_back(
      Paragraph{{plain("From wherever the run stands; steps that have not run have nothing to undo. The SQL of "
                       "each undo stands with its step.")}});
  const std::vector<Phase> phases = phases_of(plan);
  for (std::size_t i = phases.size(); i > 1; --i) add_way(plan, way_back(plan, phases[i - 2]), outline);
  add_way(plan, way_back(plan, std::nullopt), outline);
}

void add_abort_criteria(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("When to stop")}, "stop"});
  outline.push_back(Paragraph{{plain("Stop with Ctrl-C, look, and roll back when one of these is seen:")}});
  Bullets list;
  list.items.push_back(
      {plain("errors of clients that were not there before, above all SQLSTATE 23502, 23503, 23514, 42703 and 0A000")});
  list.items.push_back({plain("clients wait for locks longer than they may, again and again: "),
                        code("falsework status RUN"), plain(" names who holds them")});
  if (has_kind(plan, StepKind::kBackfill)) {
    list.items.push_back({plain("replica lag, WAL or disk go past what you have agreed on while the copy runs")});
  }
  for (const Step& step : plan.steps) {
    if (!step.check || !step.check->proof) continue;
    Text item = {plain("the proof fails in ")};
    append(item, reference(plan, step));
    append(item, {plain(": never go past it before the rows that it names are understood")});
    list.items.push_back(std::move(item));
  }
  list.items.push_back({code("falsework drift PLAN"), plain(" finds a change to the tables that is not this run's")});
  outline.push_back(std::move(list));
}

void add_sign_off(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Sign-off")}, "sign-off"});
  outline.push_back(Paragraph{{plain("For the plan with the digest "), code(plan.digest), plain(", and no other:")}});
  Table table{{{plain("Role")}, {plain("Name")}, {plain("Date")}, {plain("Decision")}}, {}};
  const auto sign = [&](Text role) { table.rows.push_back({std::move(role), {}, {}, {}}); };
  sign({plain("Author")});
  sign({plain("Reviewer")});
  for (const Step& step : plan.steps) {
    if (step.gate) sign({plain("Opens gate "), code(step.gate->name)});
  }
  const bool irreversible =
      std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) { return step.irreversible; });
  if (irreversible) sign({plain("Confirms the point of no return")});
  outline.push_back(std::move(table));
}

}  // namespace falsework::runbook
