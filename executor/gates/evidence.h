// Evidence of the old shape's use: writes, statements, sessions, dependents. Private to executor/gates.
//
// One rule: what cannot be seen is told, and never taken for absent. Texts of clients' own statements are parsed and
// not shown, for they hold values; those of pg_stat_statements hold none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plans/gate.h"
#include "postgres/session/session.h"

namespace falsework {

// What was found: `value` changes whenever the old shape was used; `users` names who uses it.
struct Evidence {
  std::string value;
  std::vector<std::string> users;
  std::string blind;  // why it could not be found out, and what to do; empty: it could
};

Evidence read_counters(pg::Session& session, const GateCondition& condition);
// `before`: the value of the last look; statements whose calls have grown since are the users.
Evidence read_statements(pg::Session& session, const GateCondition& condition, const std::string& before);
Evidence read_sessions(pg::Session& session, const GateCondition& condition);
Evidence read_dependents(pg::Session& session, const GateCondition& condition);

}  // namespace falsework
