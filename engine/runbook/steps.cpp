#include <fmt/format.h>

#include <algorithm>

#include "base/duration.h"
#include "engine/runbook/account.h"
#include "engine/runbook/gate_words.h"
#include "engine/runbook/sections.h"
#include "engine/runbook/visible.h"
#include "engine/runbook/words.h"
#include "plans/bare_sql.h"

namespace falsework::runbook {

namespace {

std::string_view explain(StepKind kind) {
  switch (kind) {
    case StepKind::kStatement: return "runs in one transaction";
    case StepKind::kConcurrent: return "runs outside a transaction; a failed try is cleaned up and made again";
    case StepKind::kBackfill: return "copies in many short transactions, and goes on where it was after a stop";
    case StepKind::kCheck: return "a query that must count 0; changes nothing";
    case StepKind::kGate: return "waits for people";
    case StepKind::kNote: return "for people; runs nothing";
  }
  return "";
}

void add_listing(const std::vector<std::string>& statements, Outline& outline) {
  if (statements.empty()) return;
  const std::string text = listing_of(statements);
  const std::vector<std::string> invisible = invisible_characters(text);
  if (!invisible.empty()) {
    Text warning = {plain("This SQL holds characters that cannot be seen, and may read as something else:")};
    for (const std::string& character : invisible) append(warning, {plain(" "), code(character)});
    outline.push_back(Callout{Callout::Kind::kCaution, std::move(warning)});
  }
  outline.push_back(Listing{"sql", text});
}

void add_gate(const Plan& plan, const Step& step, Outline& outline) {
  Bullets conditions;
  for (const GateCondition& condition : step.gate->conditions) conditions.items.push_back(describe(condition));
  outline.push_back(Paragraph{{strong("Opens when:")}});
  outline.push_back(std::move(conditions));
  outline.push_back(Paragraph{{strong("Then: "), code(opening_command(plan, step))}});
}

void add_copy(const Step& step, Outline& outline) {
  const Copy& copy = *step.copy;
  const bool said = step.sql == std::vector<std::string>{copy.statement};
  outline.push_back(
      Paragraph{{strong("Copies"), plain(" in "), code(copy.relation),
                 plain(fmt::format(", range by range of blocks; each batch is one transaction{}", said ? "." : ":"))}});
  if (!said) add_listing({copy.statement}, outline);
  outline.push_back(Paragraph{{strong("Verify: "), plain("a range is done when this counts 0:")}});
  add_listing({copy.remaining}, outline);
}

void add_check(const Check& check, Outline& outline) {
  outline.push_back(Paragraph{{strong("Verify: "), plain("it passes when it counts 0.")}});
  Text text = {strong("When it fails: "), plain(check.message)};
  if (!check.hint.empty()) append(text, {plain(". " + check.hint)});
  if (check.proof) append(text, {plain(" A failure stays until a person clears it; no resume goes past it.")});
  outline.push_back(Paragraph{std::move(text)});
  if (!check.by_ranges) return;
  outline.push_back(Paragraph{
      {plain("Asked range by range of blocks of "), code(check.relation), plain("; the counts are summed.")}});
}

void add_probe(const Probe& probe, Outline& outline) {
  outline.push_back(Paragraph{
      {strong("Verify: "), plain("this says where it stands, and must say "), code("ready"), plain(" in the end:")}});
  add_listing({probe.query}, outline);
  if (probe.cleanup.empty()) return;
  outline.push_back(Paragraph{{plain("Removes what a failed try leaves:")}});
  add_listing({probe.cleanup}, outline);
}

void add_locks(const Step& step, Outline& outline) {
  if (step.locks.empty()) {
    outline.push_back(Paragraph{{strong("Locks: "), plain("none on a table or view.")}});
    return;
  }
  outline.push_back(table_of(step.locks));
  Text text = {strong("Timeouts: ")};
  if (step.timeouts.lock.count() == 0) {
    append(text, {plain("waits for its locks as long as it must, since they block neither reads nor writes")});
  } else {
    append(text,
           {plain(fmt::format("waits at most {} for a lock, then lets everyone pass and tries again, for {} in all",
                              render_duration(step.timeouts.lock), render_duration(step.timeouts.budget)))});
  }
  if (step.timeouts.statement.count() > 0) {
    append(text, {plain(fmt::format("; a statement may take {}", render_duration(step.timeouts.statement)))});
  }
  append(text, {plain(".")});
  outline.push_back(Paragraph{std::move(text)});
}

std::string cost_of(const Step& step) {
  std::string text = step.rewrites ? "rewrites the table" : "no rewrite";
  text += step.scans ? ", reads the whole table" : ", no full read";
  if (step.estimate.rows > 0) text += fmt::format(", about {} rows", render_count(step.estimate.rows));
  if (step.estimate.bytes > 0) text += fmt::format(", about {} more on disk", render_bytes(step.estimate.bytes));
  return text + ".";
}

Text watch(const Step& step) {
  Text text = {strong("Watch: "), code("falsework status RUN --watch")};
  const bool builds_index = std::any_of(step.sql.begin(), step.sql.end(), [](const std::string& statement) {
    return has_words(bare_sql(statement), "INDEX CONCURRENTLY");
  });
  if (step.kind == StepKind::kBackfill) {
    append(text, {plain(" shows rows, rate and time left; "), code("pg_stat_user_tables"), plain(" the dead rows")});
  } else if (builds_index) {
    append(text, {plain("; "), code("SELECT * FROM pg_stat_progress_create_index")});
  } else if (!step.locks.empty()) {
    append(text,
           {plain(" names who holds the lock; "),
            code("SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")});
  }
  append(text, {plain(".")});
  return text;
}

// What applications meet while the step runs, by its strongest lock and its kind.
Text applications(const Step& step) {
  Text text = {strong("Applications: ")};
  const std::optional<pg::TakenLock> lock = strongest(step.locks);
  if (!lock) {
    append(text, {plain("nothing waits.")});
    return text;
  }
  const std::string tries =
      fmt::format(" for a try of at most {} and while it holds the lock", render_duration(step.timeouts.lock));
  if (blocks_reads(*lock)) {
    append(text, {plain("reads and writes of "), code(lock->relation), plain(" wait" + tries + "; "),
                  plain("expect no error, only the wait.")});
  } else if (blocks_writes(*lock)) {
    append(text, {plain("reads go on; writes of "), code(lock->relation), plain(" wait" + tries + ".")});
  } else {
    append(text, {plain("reads and writes go on.")});
  }
  if (step.kind == StepKind::kBackfill) {
    append(text, {plain(" A write to a row that is being copied waits for the end of its batch.")});
  }
  if (step.kind == StepKind::kConcurrent) {
    append(text, {plain(" Keep no transaction open for long: the step waits for those that are older than it.")});
  } else if (blocks_writes(*lock)) {
    append(text, {plain(" Keep no transaction open on it: the step, and all behind it, would wait.")});
  }
  if (pg::conflicts(lock->mode, pg::LockMode::kShareUpdateExclusive)) {
    append(text, {plain(" Run no DDL, VACUUM or ANALYZE on it by hand.")});
  }
  return text;
}

Text abort_of(const Step& step) {
  Text text = {strong("Abort: ")};
  switch (step.kind) {
    case StepKind::kStatement:
      append(text,
             {plain("Ctrl-C, or "), code("pg_cancel_backend"), plain(": the transaction leaves nothing behind.")});
      break;
    case StepKind::kConcurrent:
      append(text, {plain("Ctrl-C, or "), code("pg_cancel_backend"),
                    plain(": what the try leaves, an invalid index perhaps, is removed before the next one and by a "
                          "rollback.")});
      break;
    case StepKind::kBackfill:
      append(text, {plain("Ctrl-C: it ends with the batch at hand, and "), code("falsework advance RUN"),
                    plain(" goes on from there.")});
      break;
    case StepKind::kCheck: append(text, {plain("Ctrl-C: it changes nothing.")}); break;
    case StepKind::kGate:
    case StepKind::kNote: break;
  }
  return text;
}

void add_undo(const Plan& plan, const Step& step, Outline& outline) {
  if (step.irreversible || !step.undo) {
    outline.push_back(Callout{Callout::Kind::kCaution, {strong("Cannot be undone. "), plain(step.undo_note)}});
    return;
  }
  const std::string note = step.undo_note.empty() ? "" : " " + step.undo_note;
  if (step.undo->empty()) {
    outline.push_back(Paragraph{{strong("Undo: "), plain("nothing has to be done." + note)}});
  } else {
    outline.push_back(
        Paragraph{{strong("Undo"), plain(step.undo_transaction ? ", in one transaction:" : ", outside a transaction:"),
                   plain(note)}});
    add_listing(*step.undo, outline);
    if (!step.undo_locks.empty()) outline.push_back(table_of(step.undo_locks));
  }
  Text with;
  for (const std::string& id : step.undo_with) {
    const Step* const other = plan.step(id);
    if (other == nullptr) continue;
    append(with, {plain(with.empty() ? "Undone with it: " : ", ")});
    append(with, reference(plan, *other));
  }
  if (!with.empty()) outline.push_back(Paragraph{std::move(with)});
}

std::vector<Badge> badges_of(const Step& step, const Known& known) {
  std::vector<Badge> badges;
  if (known.account != nullptr) badges.push_back(badge_of(step, *known.account));
  const std::optional<pg::TakenLock> lock = strongest(step.locks);
  if (step.gate) {
    badges.push_back({"gate", Badge::Tone::kGate});
  } else if (lock && blocks_writes(*lock)) {
    badges.push_back({fmt::format("{} on {}, {}", pg::sql(lock->mode), lock->relation, describe(lock->duration)),
                      Badge::Tone::kLock});
  } else if (step.kind != StepKind::kNote) {
    badges.push_back({"blocks no reads, no writes", Badge::Tone::kQuiet});
  }
  if (step.irreversible) badges.push_back({"cannot be undone", Badge::Tone::kDanger});
  if (!step.archives.empty()) badges.push_back({"can be undone while archived", Badge::Tone::kGate});
  return badges;
}

void add_step(const Plan& plan, const Step& step, const Known& known, Outline& outline) {
  outline.push_back(Heading{4,
                            {plain(fmt::format("Step {}: {}", number_of(plan, step), step.title))},
                            anchor_of(plan, step),
                            badges_of(step, known)});
  Text identity = {code(step.id), plain(fmt::format(" · {}: {}", name(step.kind), explain(step.kind)))};
  for (std::size_t i = 0; i < step.needs.size(); ++i) {
    const Step* const need = plan.step(step.needs[i]);
    if (need == nullptr) continue;
    append(identity, {plain(i == 0 ? " · after step " : ", "), step_link(plan, *need)});
  }
  outline.push_back(Paragraph{std::move(identity)});
  outline.push_back(Paragraph{{plain(step.why)}});
  if (known.account != nullptr) add_step_account(step, *known.account, outline);
  if (step.gate) add_gate(plan, step, outline);
  add_listing(step.sql, outline);
  if (step.copy) add_copy(step, outline);
  if (step.check) add_check(*step.check, outline);
  if (step.kind == StepKind::kGate || step.kind == StepKind::kNote) return;
  add_locks(step, outline);
  outline.push_back(Paragraph{applications(step)});
  outline.push_back(Paragraph{{strong("Cost: "), plain(cost_of(step))}});
  if (step.probe) add_probe(*step.probe, outline);
  if (!step.done_when.empty()) {
    outline.push_back(Paragraph{{strong("Verify: "), plain("it is done when this answers true:")}});
    add_listing({step.done_when}, outline);
  }
  outline.push_back(Paragraph{watch(step)});
  outline.push_back(Paragraph{abort_of(step)});
  add_undo(plan, step, outline);
}

}  // namespace

void add_graph_and_phases(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("The graph")}, "graph"});
  outline.push_back(Picture{diagram(plan)});
  outline.push_back(
      Paragraph{{plain("Dashed: a gate. Double sides: outside a transaction. Cylinder: a copy in batches. "
                       "Round: a check. Thick red: cannot be undone.")}});
  outline.push_back(Heading{2, {plain("Phases")}, "phases"});
  Table table{{{plain("Phase")}, {plain("What it does")}, {plain("Steps")}, {plain("Strongest lock")}, {plain("Undo")}},
              {}};
  for (const Phase phase : phases_of(plan)) {
    std::vector<pg::TakenLock> locks;
    Text steps;
    bool irreversible = false, archived = false;
    for (const Step& step : plan.steps) {
      if (step.phase != phase) continue;
      append(steps, {plain(steps.empty() ? "" : ", "), step_link(plan, step)});
      locks.insert(locks.end(), step.locks.begin(), step.locks.end());
      irreversible = irreversible || step.irreversible;
      archived = archived || !step.archives.empty();
    }
    const std::optional<pg::TakenLock> lock = strongest(locks);
    table.rows.push_back({{{Span::Kind::kCode, std::string(name(phase)), anchor_of(phase)}},
                          {plain(std::string(purpose(plan, phase)))},
                          std::move(steps),
                          lock ? Text{code(lock->relation), plain(" " + describe(*lock))} : Text{plain("none")},
                          {plain(irreversible ? "not to the end"
                                 : archived   ? "while the archive is kept"
                                              : "yes")}});
  }
  outline.push_back(std::move(table));
}

void add_steps(const Plan& plan, const Known& known, Outline& outline) {
  outline.push_back(Heading{2, {plain("Steps")}, "steps"});
  outline.push_back(
      Paragraph{{plain("What follows is exactly what runs. Any step can be stopped with Ctrl-C: the engine "
                       "ends at the next safe point, and "),
                 code("falsework advance RUN"), plain(" goes on from there.")}});
  std::optional<Phase> phase;
  for (const Step& step : plan.steps) {
    if (phase != step.phase) {
      phase = step.phase;
      outline.push_back(Heading{3, {plain("Phase "), code(std::string(name(step.phase)))}, anchor_of(step.phase)});
    }
    add_step(plan, step, known, outline);
  }
}

}  // namespace falsework::runbook
