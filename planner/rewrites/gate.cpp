#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "planner/rewrites/rewrites.h"

namespace falsework {
namespace {

using Kind = GateCondition::Kind;

constexpr std::size_t kCheckName = 60;

GateCondition of_kind(Kind kind) {
  GateCondition condition;
  condition.kind = kind;
  return condition;
}

GateCondition for_period(Kind kind, std::chrono::seconds period) {
  GateCondition condition = of_kind(kind);
  condition.period = period;
  return condition;
}

// The release that the migration names, or a person's advance: what every gate waits for.
GateCondition promotion(const Work& work, const std::string& key) {
  GateCondition condition;
  if (const auto release = work.releases.find(key); release != work.releases.end()) {
    condition.kind = Kind::kRelease;
    condition.release = release->second;
  }
  return condition;
}

std::string check_name(const std::string& query) {
  std::string name(cut_utf8(query, kCheckName));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  return name.size() < query.size() ? name + "…" : name;
}

std::vector<OldColumn> old_columns(const Work& work) {
  std::vector<OldColumn> columns;
  for (const auto& [name, table] : work.tables) {
    for (const ShadowPair& pair : table.pairs) {
      columns.push_back({name.sql(), old_name_now(pair), table.counter ? table.counter->sql() : ""});
    }
  }
  return columns;
}

void add_evidence(const Work& work, const GateWish& wish, std::vector<GateCondition>& conditions) {
  std::vector<GateCondition> found;
  if (wish.no_old_writer) found.push_back(for_period(Kind::kNoOldWriter, *wish.no_old_writer));
  if (wish.no_old_statement) found.push_back(for_period(Kind::kNoOldStatement, *wish.no_old_statement));
  if (wish.no_old_session) found.push_back(of_kind(Kind::kNoOldSession));
  if (wish.no_dependent) found.push_back(of_kind(Kind::kNoDependent));
  for (GateCondition& condition : found) {
    condition.old = old_columns(work);
    if (condition.old.empty()) {
      throw Error(errors::kDeclarationInvalid,
                  fmt::format("the gate contract of {} waits for \"{}\", and no column of it has an old shape",
                              work.migration, name(condition.kind)),
                  "Leave that condition out: it is for columns that are renamed or change their type.");
    }
    conditions.push_back(std::move(condition));
  }
}

std::vector<GateCondition> conditions_of(const Work& work, const std::string& key, bool irreversible) {
  std::vector<GateCondition> conditions{promotion(work, key)};
  const auto found = work.gates.find(key);
  if (found == work.gates.end()) return conditions;
  const GateWish& wish = found->second;
  if (wish.soak) conditions.push_back(for_period(Kind::kSoak, *wish.soak));
  if (wish.approvals > 0) {
    GateCondition approval = of_kind(Kind::kApproval);
    approval.approvals = wish.approvals;
    approval.four_eyes = irreversible;
    approval.author = work.author;
    conditions.push_back(std::move(approval));
  }
  if (wish.backup) conditions.push_back(for_period(Kind::kBackup, *wish.backup));
  add_evidence(work, wish, conditions);
  if (wish.check) {
    GateCondition check = of_kind(Kind::kSql);
    check.name = check_name(*wish.check);
    check.query = *wish.check;
    conditions.push_back(std::move(check));
  }
  return conditions;
}

}  // namespace

std::string add_gate(Draft& draft, Phase phase, const std::string& key, std::string title, std::string why) {
  Step gate;
  gate.id = fmt::format("{}/{}/gate", draft.work.migration, name(phase));
  for (const Step& step : draft.steps) {
    if (step.id == gate.id) return gate.id;
  }
  const auto& tables = draft.work.tables;
  const bool drops =
      std::any_of(tables.begin(), tables.end(), [](const auto& each) { return !each.second.pairs.empty(); });
  gate.phase = phase;
  gate.kind = StepKind::kGate;
  gate.transaction = false;
  gate.title = std::move(title);
  gate.why = std::move(why);
  gate.gate = Gate{std::string(name(phase)), conditions_of(draft.work, key, phase == Phase::kContract && drops)};
  gate.needs = draft.before(phase);
  draft.gates.insert(key);
  return draft.add(std::move(gate)).id;
}

void require_gates(const Draft& draft) {
  for (const auto& [key, wish] : draft.work.gates) {
    if (draft.gates.contains(key)) continue;
    throw Error(errors::kDeclarationInvalid,
                fmt::format("the migration {} says what the gate {} waits for, and has no such gate",
                            draft.work.migration, key),
                "Leave it out, or look at the plan without it to see which gates there are.");
  }
}

std::vector<std::string> warn_of_idle_releases(const Draft& draft) {
  std::vector<std::string> warnings;
  for (const auto& [key, release] : draft.work.releases) {
    if (draft.gates.contains(key)) continue;
    warnings.push_back(fmt::format("nothing waits for release {}: this plan has no gate {}", release, key));
  }
  return warnings;
}

}  // namespace falsework
