// Whether the catalog is still what the plan, or the last finished step, left.
//
// One rule: before a step's effects it is compared under the step's locks; after them it is recorded in the step's own
// transaction.
#pragma once

#include <string>
#include <vector>

#include "executor/run_context.h"
#include "plans/plan.h"
#include "postgres/session/session.h"
#include "state/postgres/journal.h"

namespace falsework {

// Has the server plan that query, which takes it as long as to answer it, before a step takes its locks: what is asked
// under them is then answered from that plan. Looks at no table and waits for no lock. Once per session; not within a
// transaction.
void plan_fingerprint(pg::Session& session, const Plan& plan);

// Asks the server with the query that travels in the plan; nothing when the plan has none.
Fingerprint read_fingerprint(pg::Session& session, const Plan& plan);

// One object that is not what was expected.
struct Drift {
  std::string relation, object;  // public.users; `column email`, `trigger t`, `table`
  std::string was, is;           // digests; empty: there is none
  bool is_new() const { return was.empty(); }
  bool is_gone() const { return is.empty(); }
  std::string line() const;  // `relation: object changed|gone|new`
};

// Sorted. A table that is gone stands for all that was its own.
std::vector<Drift> drift_between(const Fingerprint& expected, const Fingerprint& actual);
std::vector<std::string> differences(const Fingerprint& expected, const Fingerprint& actual);  // as lines

// Whether the statement has the whole name of an object of a fingerprint in it, quoted or not.
bool names_object(const std::string& sql, const std::string& object);

// What the last finished step left, or what the plan relies on before the first.
Fingerprint expected_fingerprint(pg::Session& session, const RunContext& context);

// Throws Error(plan.stale) that names what has drifted.
void require_no_drift(pg::Session& session, const RunContext& context);

// The same after a step whose own work is an index: that one alone may be new or changed.
void require_no_drift_but_index(pg::Session& session, const RunContext& context, const Step& step);

// Records what an undo left. What had drifted before it (`expected` against `before`) stays expected as it was, so that
// a rollback, which goes on in spite of drift, does not make it pass unseen afterwards; but for what the undo would
// have removed and found gone, which its statements in `passed_over` name.
void record_after_undo(pg::Session& session, const RunContext& context, const Fingerprint& expected,
                       const Fingerprint& before, const std::vector<std::string>& passed_over);

}  // namespace falsework
