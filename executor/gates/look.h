// How the gates of runs stand: each condition, what is so now, and what is missing.
//
// One rule: a condition that cannot be evaluated (an extension or a privilege is missing, a query fails) does not hold,
// and says why. Locks: none beyond those of reading catalogs; nothing of the user's is changed.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "plans/plan.h"
#include "postgres/session/session.h"

namespace falsework {

struct ConditionView {
  std::string condition;  // render_condition
  GateCondition::Kind kind = GateCondition::Kind::kAdvance;
  bool met = false;
  bool known = true;    // whether it could be evaluated
  std::string value;    // what is so now: `out since …`, `3h of 7d`
  std::string missing;  // what has to happen; empty when met
};

struct GateView {
  std::string step, name;
  std::vector<ConditionView> conditions;

  bool holds() const;  // every condition is met
  // `release 2026.12`, `soak 7d`, … of those that are not met.
  std::vector<std::string> unmet() const;
  // The same, each with what is so now and what is missing: for messages.
  std::vector<std::string> described() const;
};

struct GateQuestion {
  std::string run;
  const Plan& plan;
  const Step& gate;
  std::string starter;   // user@host (pid) of who started the run
  bool advance = false;  // a person says `advance` now
};

// Looks at one gate. What was last seen of the old shape is kept in the database, so that time counts across
// processes. Must not be called inside a transaction. Throws ConnectionLost.
GateView look_at_gate(pg::Session& session, const GateQuestion& question);

// Who may not give an approval that four eyes are asked for: the author and who started the run. By name, or
// `user@host`; case does not matter.
bool is_one_of_the_makers(const std::string& name, const GateCondition& condition, const std::string& starter);

}  // namespace falsework
