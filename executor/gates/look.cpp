#include "executor/gates/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "base/duration.h"
#include "executor/gates/evidence.h"
#include "executor/gates/releases.h"
#include "plans/graph.h"
#include "state/postgres/facts.h"
#include "state/postgres/journal.h"

namespace falsework {

namespace {

using Kind = GateCondition::Kind;

constexpr const char* kCheckTimeout = "SET LOCAL statement_timeout = '10s'";
constexpr std::size_t kNamed = 5;  // users of the old shape that are named; the others are counted

std::string first_few(const std::vector<std::string>& names) {
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kNamed));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, "; "));
  if (names.size() > kNamed) text += fmt::format("; and {} more", names.size() - kNamed);
  return text;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

class Look {
 public:
  Look(pg::Session& session, const GateQuestion& question)
      : session_(session), question_(question), facts_(session), journal_(session) {
    undone_at_ = facts_.undone_at(question.run, question.gate.id);
    for (Fact& fact : facts_.of(question.run)) {
      const bool ours = fact.kind == "release" || fact.step == question.gate.id;
      if (ours && fact.at > undone_at_) facts_now_.push_back(std::move(fact));
    }
    releases_ = releases_said(facts_now_);
    for (const JournalGate& row : journal_.gates(question.run)) {
      if (row.step == question.gate.id) opened_.push_back(row.condition);
    }
  }

  ConditionView view(const GateCondition& condition) {
    ConditionView view;
    view.condition = render_condition(condition);
    view.kind = condition.kind;
    try {
      judge(condition, view);
    } catch (const pg::SqlError& failure) {
      view.met = false;
      blind(view, fmt::format("the server says: {}", failure.what()));
    }
    if (view.met) view.missing.clear();
    return view;
  }

 private:
  void judge(const GateCondition& condition, ConditionView& view) {
    switch (condition.kind) {
      case Kind::kRelease: return judge_release(condition, view);
      case Kind::kAdvance: return judge_advance(view);
      case Kind::kSoak: return judge_soak(condition, view);
      case Kind::kApproval: return judge_approval(condition, view);
      case Kind::kBackup: return judge_backup(condition, view);
      case Kind::kNoOldWriter:
      case Kind::kNoOldStatement: return judge_quiet(condition, view);
      case Kind::kNoOldSession: return judge_absence(read_sessions(session_, condition), view);
      case Kind::kNoDependent: return judge_absence(read_dependents(session_, condition), view);
      case Kind::kSql: return judge_query(condition, view);
    }
  }

  static void blind(ConditionView& view, const std::string& why) {
    view.known = false;
    view.value = "cannot be evaluated";
    view.missing = why;
  }

  // The word since which the release is out; nullptr when it is not.
  const Fact* release_fact(const std::string& release) const {
    const auto found = releases_.find(release);
    return found == releases_.end() ? nullptr : &found->second;
  }

  void judge_release(const GateCondition& condition, ConditionView& view) const {
    const Fact* fact = release_fact(condition.release);
    view.met = fact != nullptr;
    view.value = view.met ? fmt::format("out since {}, says {}", fact->at, fact->actor) : "not out";
    view.missing = fmt::format("falsework advance --release {}", condition.release);
  }

  void judge_advance(ConditionView& view) const {
    const bool recorded = std::find(opened_.begin(), opened_.end(), view.condition) != opened_.end();
    view.met = question_.advance || recorded;
    view.value = view.met ? "said" : "nobody has said so";
    view.missing = fmt::format("falsework advance {}", question_.run);
  }

  // Since the last of: a step before the gate was done, a release of the gate was out.
  void judge_soak(const GateCondition& condition, ConditionView& view) {
    std::string since;
    const auto steps = journal_.steps(question_.run);
    for (const std::string& id : upstream(question_.plan, question_.gate.id)) {
      const auto row = steps.find(id);
      if (row != steps.end() && row->second.state == JournalState::kDone) since = std::max(since, row->second.at);
    }
    for (const GateCondition& other : question_.gate.gate->conditions) {
      if (other.kind != Kind::kRelease) continue;
      const Fact* fact = release_fact(other.release);
      if (fact == nullptr) {
        view.value = "not begun";
        view.missing = fmt::format("it begins when release {} is out", other.release);
        return;
      }
      since = std::max(since, fact->at);
    }
    if (since.empty()) {
      view.value = "not begun";
      view.missing = "it begins when the steps before the gate are done";
      return;
    }
    const std::chrono::seconds age(
        session_
            .query(
                "SELECT pg_catalog.floor(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - $1::timestamptz))::bigint",
                {since})
            .number(0, 0));
    time_passed(condition.period, age, view);
    view.value += fmt::format(", since {}", since);
  }

  static void time_passed(std::chrono::seconds wanted, std::chrono::seconds age, ConditionView& view) {
    view.met = age >= wanted;
    view.value = fmt::format("{} of {}", humanize(age), render_duration(wanted));
    view.missing = fmt::format("{} more", humanize(wanted - age));
  }

  void judge_approval(const GateCondition& condition, ConditionView& view) const {
    std::map<std::string, std::string> given;  // by the name in lower case: nobody counts twice
    std::vector<std::string> words;
    for (const Fact& fact : facts_now_) {
      if (fact.kind != "approval") continue;
      const std::string comment = fact.comment.empty() ? "" : fmt::format(" (\"{}\")", fact.comment);
      if (fact.plan_digest != question_.plan.digest) {
        words.push_back(fmt::format("{} approved another plan", fact.subject));
      } else if (condition.four_eyes && is_one_of_the_makers(fact.subject, condition, question_.starter)) {
        words.push_back(fmt::format("{} does not count: author of the plan, or who started the run", fact.subject));
      } else if (given.emplace(lower(fact.subject), fact.at).second) {
        words.push_back(fmt::format("{} at {}{}", fact.subject, fact.at, comment));
      }
    }
    const int missing = condition.approvals - static_cast<int>(given.size());
    view.met = missing <= 0;
    view.value = words.empty() ? "none" : fmt::format("{}", fmt::join(words, "; "));
    view.missing = fmt::format("{} more: falsework approve {} --gate {} --as NAME", missing, question_.run,
                               question_.gate.gate->name);
  }

  void judge_backup(const GateCondition& condition, ConditionView& view) const {
    const Fact* newest = nullptr;
    for (const Fact& fact : facts_now_) {
      if (fact.kind == "backup" && (newest == nullptr || fact.age < newest->age)) newest = &fact;
    }
    view.missing = fmt::format("falsework acknowledge {} --gate {} --backup REFERENCE --taken-at TIME", question_.run,
                               question_.gate.gate->name);
    if (newest == nullptr) {
      view.value = "none acknowledged";
      return;
    }
    view.met = newest->age <= condition.period && newest->age.count() >= 0;
    view.value = fmt::format("{}, {} old, acknowledged by {}", newest->subject, humanize(newest->age), newest->actor);
  }

  // What changes whenever the old shape is used is compared with what was last seen: equal for the period, it was
  // quiet for the period. The first look begins it.
  void judge_quiet(const GateCondition& condition, ConditionView& view) {
    const bool writers = condition.kind == Kind::kNoOldWriter;
    const auto last = facts_.sighting(question_.run, question_.gate.id, view.condition);
    const Evidence now =
        writers ? read_counters(session_, condition) : read_statements(session_, condition, last ? last->value : "");
    if (!now.blind.empty()) return blind(view, now.blind);
    if (!last || last->value != now.value) {
      const std::string users = last ? first_few(now.users) : "";
      facts_.see(question_.run, question_.gate.id, view.condition, now.value, users);
      view.value = last ? fmt::format("used since {}", last->at) : "first looked at now";
      if (!users.empty()) view.value += ": " + users;
      view.missing = fmt::format("{} without use from now on", render_duration(condition.period));
      return;
    }
    time_passed(condition.period, last->age, view);
    view.value = fmt::format("quiet for {}, since {}", view.value, last->at);
    if (!view.met && !last->detail.empty()) view.value += fmt::format("; before that: {}", last->detail);
  }

  static void judge_absence(const Evidence& evidence, ConditionView& view) {
    view.met = evidence.users.empty() && evidence.blind.empty();
    view.known = evidence.blind.empty() || !evidence.users.empty();
    view.value = evidence.users.empty() ? "none seen" : first_few(evidence.users);
    view.missing = evidence.users.empty() ? evidence.blind : "these must go";
    if (!view.known) view.value = "cannot be evaluated";
  }

  void judge_query(const GateCondition& condition, ConditionView& view) {
    const pg::Transaction nothing_stays(session_);
    session_.query("SET TRANSACTION READ ONLY");
    session_.query(kCheckTimeout);
    const pg::Rows rows = session_.query(condition.query);
    if (rows.size() != 1 || rows.rows[0].size() != 1) {
      return blind(view, fmt::format("it answers {} rows, not one boolean", rows.size()));
    }
    const pg::Value& answer = rows.rows[0][0];
    view.met = answer == "t";
    view.value = !answer ? "null" : *answer == "t" ? "true" : *answer == "f" ? "false" : "no boolean";
    view.missing = "it must answer true";
  }

  pg::Session& session_;
  const GateQuestion& question_;
  Facts facts_;
  Journal journal_;
  std::string undone_at_;
  std::vector<Fact> facts_now_;
  std::map<std::string, Fact> releases_;  // that are out
  std::vector<std::string> opened_;
};

}  // namespace

bool GateView::holds() const {
  return std::all_of(conditions.begin(), conditions.end(), [](const ConditionView& each) { return each.met; });
}

std::vector<std::string> GateView::unmet() const {
  std::vector<std::string> result;
  for (const ConditionView& each : conditions) {
    if (!each.met) result.push_back(each.condition);
  }
  return result;
}

std::vector<std::string> GateView::described() const {
  std::vector<std::string> result;
  for (const ConditionView& each : conditions) {
    if (each.met) continue;
    if (each.kind == Kind::kRelease || each.kind == Kind::kAdvance) {
      result.push_back(each.condition);
      continue;
    }
    result.push_back(fmt::format("{} ({}; missing: {})", each.condition, each.value, each.missing));
  }
  return result;
}

GateView look_at_gate(pg::Session& session, const GateQuestion& question) {
  GateView view{question.gate.id, question.gate.gate->name, {}};
  Look look(session, question);
  for (const GateCondition& condition : question.gate.gate->conditions) view.conditions.push_back(look.view(condition));
  return view;
}

bool is_one_of_the_makers(const std::string& name, const GateCondition& condition, const std::string& starter) {
  const std::string given = lower(name);
  const std::string whole = lower(starter.substr(0, starter.rfind(" (")));
  return given == lower(condition.author) || given == whole || given == whole.substr(0, whole.find('@'));
}

}  // namespace falsework
