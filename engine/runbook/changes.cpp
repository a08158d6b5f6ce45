#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/runbook/sections.h"
#include "engine/runbook/words.h"

namespace falsework::runbook {

std::string naive_cost(const PlannedChange& change) {
  // Relations that are locked alike share a phrase.
  std::vector<std::pair<pg::TakenLock, std::string>> locks;
  for (const pg::TakenLock& lock : change.naive_locks) {
    const auto same = std::find_if(locks.begin(), locks.end(), [&](const auto& each) {
      return each.first.mode == lock.mode && each.first.duration == lock.duration;
    });
    if (same == locks.end()) {
      locks.emplace_back(lock, lock.relation);
    } else {
      same->second += ", " + lock.relation;
    }
  }
  std::string text;
  for (const auto& [lock, relations] : locks) {
    text += fmt::format("{} {} on {}, which blocks {}, for {}", text.empty() ? "It would take" : ", and",
                        pg::sql(lock.mode), relations, pg::blocks(lock.mode), describe(lock.duration));
  }
  if (!text.empty()) text += ". ";
  const std::string size =
      change.naive_estimate.rows > 0
          ? fmt::format(": about {}, {}", count_of(static_cast<std::size_t>(change.naive_estimate.rows), "row", "rows"),
                        render_bytes(change.naive_estimate.bytes))
          : "";
  const bool tables = std::count_if(change.naive_locks.begin(), change.naive_locks.end(),
                                    [](const auto& lock) { return lock.duration != pg::LockDuration::kMoment; }) > 1;
  const char* const what = tables ? "these tables" : "the table";
  if (change.naive_rewrites) {
    text += fmt::format("It would rewrite every row of {}{}. ", what, size);
  } else if (change.naive_scans) {
    text += fmt::format("It would read the whole of {} under that lock{}. ", what, size);
  }
  if (!change.naive_rewrites && !change.naive_scans) text += "It would neither rewrite nor read the table. ";
  return text;
}

namespace {

void add_change(const PlannedChange& change, std::size_t number, Outline& outline) {
  outline.push_back(
      Heading{3, {plain(fmt::format("Change {}: {}", number, change.summary))}, fmt::format("change-{}", number)});
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
  outline.push_back(Paragraph{{plain(naive_cost(change) + std::string(kAtThatInstant))}});
}

}  // namespace

void add_changes(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("What changes, and why this way")}, "changes"});
  for (std::size_t i = 0; i < plan.changes.size(); ++i) add_change(plan.changes[i], i + 1, outline);
}

void add_who_is_affected(const Plan& plan, Outline& outline) {
  outline.push_back(Heading{2, {plain("Who is affected")}, "affected"});
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
      append(entry.steps, {plain(entry.steps.empty() ? "" : ", "), step_link(plan, step)});
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

}  // namespace falsework::runbook
