#include "engine/runbook/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace falsework::runbook {

std::string render_count(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t first = count < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string render_bytes(std::int64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string render_server(int version) { return fmt::format("PostgreSQL {}.{}", version / 10000, version % 10000); }

std::string count_of(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", render_count(static_cast<std::int64_t>(count)), count == 1 ? one : many);
}

namespace {

// Where no second shape stands beside the first, only a rule is added.
std::string_view purpose_of_rules(Phase phase) {
  switch (phase) {
    case Phase::kDualWrite: return "fills what is null in every row that is written from now on";
    case Phase::kBackfill: return "fills what is null in the rows that were there before, in batches";
    case Phase::kValidate: return "adds each rule for new rows, then proves that every row keeps it";
    case Phase::kContract: return "removes what was only needed on the way";
    case Phase::kExpand:
    case Phase::kSwitch: break;
  }
  return "";
}

}  // namespace

std::string_view purpose(const Plan& plan, Phase phase) {
  const auto has = [&](std::string_view strategy) {
    return std::any_of(plan.changes.begin(), plan.changes.end(),
                       [&](const PlannedChange& change) { return change.strategy == strategy; });
  };
  if (phase == Phase::kExpand && has("in_place")) return "changes in place what the server need not rewrite";
  if (!has("shadow_column") && !purpose_of_rules(phase).empty()) return purpose_of_rules(phase);
  switch (phase) {
    case Phase::kExpand: return "adds what is new beside what is old; nothing that clients use changes";
    case Phase::kDualWrite: return "keeps old and new in agreement for every row that is written from now on";
    case Phase::kBackfill: return "copies the rows that were there before, in batches";
    case Phase::kValidate: return "builds indexes and constraints on the new shape, and proves that nothing differs";
    case Phase::kSwitch: return "makes the new shape the one that clients use";
    case Phase::kContract: return "removes the old shape";
  }
  return "";
}

std::string_view describe(pg::LockDuration duration) {
  switch (duration) {
    case pg::LockDuration::kMoment: return "a moment (catalog only)";
    case pg::LockDuration::kScan: return "as long as it takes to read the table once";
    case pg::LockDuration::kBuild: return "as long as the index build takes";
    case pg::LockDuration::kRewrite: return "as long as it takes to rewrite the table";
    case pg::LockDuration::kBatch: return "one batch at a time";
  }
  return "";
}

std::string_view describe_strategy(std::string_view strategy) {
  if (strategy == "shadow_column") {
    return "A new column stands beside the old one until contract, and a trigger keeps both in agreement.";
  }
  if (strategy == "in_place") return "The change is made in place, under one short lock; no row is rewritten.";
  if (strategy == "nothing") return "Nothing has to be done.";
  if (strategy == "validate_in_place") {
    return "The rule is added unproven, which takes a moment, and is proven afterwards while clients write.";
  }
  return "";
}

bool blocks_writes(const pg::TakenLock& lock) { return pg::conflicts(lock.mode, pg::LockMode::kRowExclusive); }

bool blocks_reads(const pg::TakenLock& lock) { return pg::conflicts(lock.mode, pg::LockMode::kAccessShare); }

std::optional<pg::TakenLock> strongest(const std::vector<pg::TakenLock>& locks) {
  const auto rank = [](pg::LockDuration duration) {
    return duration == pg::LockDuration::kMoment ? 0 : duration == pg::LockDuration::kBatch ? 1 : 2;
  };
  const auto weaker = [&](const pg::TakenLock& a, const pg::TakenLock& b) {
    return a.mode != b.mode ? a.mode < b.mode : rank(a.duration) < rank(b.duration);
  };
  const auto found = std::max_element(locks.begin(), locks.end(), weaker);
  return found == locks.end() ? std::nullopt : std::optional(*found);
}

std::string describe(const pg::TakenLock& lock) {
  return fmt::format("{}: blocks {}", pg::sql(lock.mode), pg::blocks(lock.mode));
}

Table table_of(const std::vector<pg::TakenLock>& locks) {
  Table table{{{plain("On")}, {plain("Lock")}, {plain("Blocks")}, {plain("For how long")}}, {}};
  for (const pg::TakenLock& lock : locks) {
    table.rows.push_back({{code(lock.relation)},
                          {plain(std::string(pg::sql(lock.mode)))},
                          {plain(std::string(pg::blocks(lock.mode)))},
                          {plain(std::string(describe(lock.duration)))}});
  }
  return table;
}

int number_of(const Plan& plan, const Step& step) { return static_cast<int>(&step - plan.steps.data()) + 1; }

Text reference(const Plan& plan, const Step& step) {
  return {link(fmt::format("step {}", number_of(plan, step)), anchor_of(plan, step)), plain(" ("), code(step.id),
          plain(")")};
}

Span step_link(const Plan& plan, const Step& step) {
  return link(std::to_string(number_of(plan, step)), anchor_of(plan, step));
}

std::string anchor_of(const Plan& plan, const Step& step) { return fmt::format("step-{}", number_of(plan, step)); }

std::string anchor_of(Phase phase) { return fmt::format("phase-{}", name(phase)); }

Text archives_of(const Plan& plan) {
  Text text;
  for (const Step& step : plan.steps) {
    for (const std::string& archive : step.archives) append(text, {plain(text.empty() ? "" : ", "), code(archive)});
  }
  return text;
}

std::vector<Phase> phases_of(const Plan& plan) {
  std::vector<Phase> result;
  for (const Phase phase : kPhases) {
    const bool used =
        std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) { return step.phase == phase; });
    if (used) result.push_back(phase);
  }
  return result;
}

std::string listing_of(const std::vector<std::string>& statements) {
  std::string result;
  for (const std::string& statement : statements) {
    const std::size_t last_line = statement.rfind('\n') == std::string::npos ? 0 : statement.rfind('\n');
    const bool comment = statement.find("--", last_line) != std::string::npos;
    result += fmt::format("{}{};\n", statement, comment ? "\n" : "");
  }
  return result;
}

void append(Text& text, Text more) {
  text.insert(text.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace falsework::runbook
