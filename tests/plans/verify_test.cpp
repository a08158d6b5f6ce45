#include <doctest/doctest.h>

#include <functional>

#include "plans/graph.h"
#include "tests/plans/sample_plan.h"

namespace falsework {
using pg::LockDuration;
using pg::LockMode;

namespace {

// Positions in the sample plan.
enum : std::size_t { kCheck, kTrigger, kCopy, kIndex, kProof, kSwitchGate, kNote, kContractGate, kDrop };

struct Case {
  std::string problem;  // the whole of what verify says
  std::function<void(Plan&)> spoil;
};

void expect_each(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    Plan plan = testing::sample_plan();
    c.spoil(plan);
    CAPTURE(c.problem);
    CHECK(verify(plan) == std::vector<std::string>{c.problem});
  }
}

}  // namespace

TEST_SUITE("plans/verify") {
  TEST_CASE("nothing is wrong with a sound plan") {
    CHECK(verify(testing::sample_plan()) == std::vector<std::string>{});
  }

  TEST_CASE("a plan has a name, steps, and releases with names") {
    expect_each({{"the plan has no name", [](Plan& p) { p.name.clear(); }},
                 {"the plan has no steps", [](Plan& p) { p.steps.clear(); }},
                 {"the release of soak has no name", [](Plan& p) { p.releases["soak"] = ""; }}});
  }

  TEST_CASE("a step says what it is") {
    expect_each({
        {"step users.email_address/contract/drop: it has no title", [](Plan& p) { p.steps[kDrop].title.clear(); }},
        {"step users.email_address/contract/drop: its title has more than one line",
         [](Plan& p) { p.steps[kDrop].title += "\nx"; }},
        {"step users.email_address/contract/drop: it does not say why it is there",
         [](Plan& p) { p.steps[kDrop].why.clear(); }},
        {"step users.email_address/contract/drop: its relations are not sorted, or one stands twice",
         [](Plan& p) {
           p.steps[kDrop].relations = {"b", "a"};
         }},
        {"step users.email_address/contract/drop: its relations are not sorted, or one stands twice",
         [](Plan& p) {
           p.steps[kDrop].relations = {"a", "a"};
         }},
        {"step users/drop: its id is not of the form SUBJECT/contract/WHAT",
         [](Plan& p) { p.steps[kDrop].id = "users/drop"; }},
        {"step /contract/drop: its id is not of the form SUBJECT/contract/WHAT",
         [](Plan& p) { p.steps[kDrop].id = "/contract/drop"; }},
        {"step users/contract/: its id is not of the form SUBJECT/contract/WHAT",
         [](Plan& p) { p.steps[kDrop].id = "users/contract/"; }},
    });
  }

  TEST_CASE("a kind of step carries what it runs on, and nothing of another kind") {
    expect_each({
        {"step users.email_address/backfill/copy: a backfill step needs a copy",
         [](Plan& p) { p.steps[kCopy].copy.reset(); }},
        {"step users.email_address/expand/check: a check step needs a check",
         [](Plan& p) { p.steps[kCheck].check.reset(); }},
        {"step users.email_address/validate/index: a concurrent step needs a probe",
         [](Plan& p) { p.steps[kIndex].probe.reset(); }},
        {"step users.email_address/switch/gate: a gate step needs a gate",
         [](Plan& p) { p.steps[kSwitchGate].gate.reset(); }},
        {"step users.email_address/contract/drop: a statement step has no gate",
         [](Plan& p) { p.steps[kDrop].gate = p.steps[kContractGate].gate; }},
        {"step users.email_address/contract/drop: a statement step has no copy",
         [](Plan& p) { p.steps[kDrop].copy = p.steps[kCopy].copy; }},
        {"step users.email_address/contract/drop: a statement step has no check",
         [](Plan& p) { p.steps[kDrop].check = p.steps[kCheck].check; }},
        {"step users.email_address/contract/drop: a statement step has no probe",
         [](Plan& p) { p.steps[kDrop].probe = p.steps[kIndex].probe; }},
    });
  }

  TEST_CASE("a step of each kind is complete") {
    expect_each({
        {"step users.email_address/contract/drop: a statement step needs SQL",
         [](Plan& p) { p.steps[kDrop].sql.clear(); }},
        {"step users.email_address/contract/drop: a statement step runs in a transaction",
         [](Plan& p) { p.steps[kDrop].transaction = false; }},
        {"step users.email_address/validate/index: a concurrent step has exactly one statement",
         [](Plan& p) { p.steps[kIndex].sql.push_back("SELECT 1"); }},
        {"step users.email_address/validate/index: its probe has no query",
         [](Plan& p) { p.steps[kIndex].probe->query.clear(); }},
        {"step users.email_address/backfill/copy: its copy lacks the relation, the statement or what remains",
         [](Plan& p) { p.steps[kCopy].copy->remaining.clear(); }},
        {"step users.email_address/expand/check: a check step needs its query",
         [](Plan& p) { p.steps[kCheck].sql.clear(); }},
        {"step users.email_address/expand/check: its check has no message",
         [](Plan& p) { p.steps[kCheck].check->message.clear(); }},
        {"step users.email_address/expand/check: a check has a relation exactly when it goes by ranges",
         [](Plan& p) { p.steps[kCheck].check->by_ranges = true; }},
        {"step users.email_address/validate/proof: a check has a relation exactly when it goes by ranges",
         [](Plan& p) { p.steps[kProof].check->relation.clear(); }},
        {"step users.email_address/switch/gate: a gate step runs no SQL",
         [](Plan& p) { p.steps[kSwitchGate].sql = {"SELECT 1"}; }},
        {"step users.email_address/switch/gate: its gate has no name",
         [](Plan& p) { p.steps[kSwitchGate].gate->name.clear(); }},
        {"step users.email_address/switch/gate: its gate has no condition",
         [](Plan& p) { p.steps[kSwitchGate].gate->conditions.clear(); }},
        {"step users.email_address/switch/gate: its gate waits for the release \"2026.12\", which the plan does not "
         "list",
         [](Plan& p) { p.releases.erase("switch"); }},
        {"step users.email_address/contract/gate: a condition of kind advance names a release",
         [](Plan& p) { p.steps[kContractGate].gate->conditions[0].release = "2027.01"; }},
        {"step users.email_address/switch/note: a note runs no SQL",
         [](Plan& p) { p.steps[kNote].sql = {"SELECT 1"}; }},
    });
    Plan plan = testing::sample_plan();
    plan.steps[kIndex].transaction = true;
    plan.steps[kIndex].sql = {"SELECT 1"};
    CHECK(verify(plan) == std::vector<std::string>{
                              "step users.email_address/validate/index: a concurrent step runs outside a transaction"});
  }

  TEST_CASE("what is undone from an archive has an undo") {
    expect_each({{"step users.email_address/contract/drop: it names an archive and has no undo that reads it",
                  [](Plan& p) { p.steps[kDrop].archives = {"falsework.kept"}; }}});
  }

  TEST_CASE("a step has an undo, or is irreversible and says why") {
    expect_each({
        {"step users.email_address/dual_write/trigger: it has no undo and is not irreversible",
         [](Plan& p) { p.steps[kTrigger].undo.reset(); }},
        {"step users.email_address/contract/drop: it is irreversible and has an undo",
         [](Plan& p) { p.steps[kDrop].undo.emplace(); }},
        {"step users.email_address/contract/drop: it does not say why it cannot be undone",
         [](Plan& p) { p.steps[kDrop].undo_note.clear(); }},
        {"step users.email_address/dual_write/trigger: it is undone with users/x, which is no other step of the plan",
         [](Plan& p) { p.steps[kTrigger].undo_with = {"users/x"}; }},
        {"step users.email_address/dual_write/trigger: it is undone with users.email_address/dual_write/trigger, which "
         "is no other step of the plan",
         [](Plan& p) { p.steps[kTrigger].undo_with = {p.steps[kTrigger].id}; }},
    });
    Plan plan = testing::sample_plan();
    plan.steps[kNote].undo.reset();
    plan.steps[kNote].irreversible = true;
    plan.steps[kNote].undo_note = "no";
    CHECK(verify(plan).front() == "step users.email_address/switch/note: a note has nothing to undo");
  }

  TEST_CASE("nothing irreversible comes before a gate of contract") {
    expect_each({
        {"step users.email_address/contract/drop: it is irreversible and needs no gate of contract",
         [](Plan& p) { p.steps[kDrop].needs.clear(); }},
        {"step users.email_address/contract/drop: it is irreversible and needs no gate of contract",
         [](Plan& p) { p.steps[kDrop].needs = {"users.email_address/switch/gate"}; }},
        {"step users.email_address/dual_write/trigger: it is irreversible and needs no gate of contract",
         [](Plan& p) {
           p.steps[kTrigger].irreversible = true;
           p.steps[kTrigger].undo.reset();
         }},
    });
    Plan plan = testing::sample_plan();
    Step between = plan.steps[kNote];
    between.id = "users/contract/note";
    between.phase = Phase::kContract;
    between.needs = {plan.steps[kContractGate].id};
    plan.steps[kDrop].needs = {between.id};
    plan.steps.insert(plan.steps.begin() + kDrop, between);
    CHECK(verify(plan) == std::vector<std::string>{});
  }

  TEST_CASE("a statement is one statement that can run where it stands") {
    expect_each({
        {"step users.email_address/contract/drop: one of its statements is empty",
         [](Plan& p) { p.steps[kDrop].sql.push_back(" -- nothing"); }},
        {"step users.email_address/contract/drop: one of its statements holds a semicolon",
         [](Plan& p) { p.steps[kDrop].sql[0] += "; DROP TABLE users"; }},
        {"step users.email_address/dual_write/trigger: one of its statements holds a semicolon",
         [](Plan& p) { p.steps[kTrigger].undo->front() += ";"; }},
        {"step users.email_address/contract/drop: CONCURRENTLY cannot run in a transaction",
         [](Plan& p) { p.steps[kDrop].sql = {"drop index concurrently x"}; }},
        {"step users.email_address/validate/index: CONCURRENTLY cannot run in a transaction",
         [](Plan& p) { p.steps[kIndex].undo_transaction = true; }},
        {"step users.email_address/contract/drop: NOT VALID and VALIDATE stand in one step",
         [](Plan& p) {
           p.steps[kDrop].sql = {"ALTER TABLE t ADD CHECK (a) NOT  VALID", "alter table t validate\nconstraint c"};
         }},
    });
    Plan plan = testing::sample_plan();
    plan.steps[kDrop].sql = {"ALTER TABLE t ADD CONSTRAINT \"NOT VALID\" CHECK (a)",
                             "ALTER TABLE t VALIDATE CONSTRAINT c", "COMMENT ON TABLE t IS 'CONCURRENTLY; NOT VALID'",
                             "REFRESH MATERIALIZED VIEW CONCURRENTLY v"};
    CHECK(verify(plan) == std::vector<std::string>{});
  }

  TEST_CASE("a lock that blocks writes is never waited for without limit") {
    expect_each({
        {"step users.email_address/contract/drop: it would wait without limit for a lock that blocks writes",
         [](Plan& p) { p.steps[kDrop].timeouts.lock = {}; }},
        {"step users.email_address/validate/index: it would wait without limit for a lock that blocks writes",
         [](Plan& p) {
           p.steps[kIndex].undo_locks = {{"users", LockMode::kShare, LockDuration::kMoment}};
         }},
        {"step users.email_address/contract/drop: one of its locks names no relation",
         [](Plan& p) { p.steps[kDrop].locks[0].relation.clear(); }},
        {"step users.email_address/contract/drop: a timeout is negative",
         [](Plan& p) { p.steps[kDrop].timeouts.statement = std::chrono::milliseconds(-1); }},
        {"step users.email_address/validate/index: its budget is not positive",
         [](Plan& p) { p.steps[kIndex].timeouts.budget = {}; }},
        {"step users.email_address/contract/drop: its lock timeout is longer than its budget",
         [](Plan& p) { p.steps[kDrop].timeouts.budget = std::chrono::milliseconds(499); }},
        {"step users.email_address/contract/drop: its estimate is negative",
         [](Plan& p) { p.steps[kDrop].estimate.bytes = -1; }},
    });
  }

  TEST_CASE("ids are unique, needs exist and come before, phases do not go back") {
    expect_each({
        {"step users.email_address/contract/drop: it needs users/x, which is not in the plan",
         [](Plan& p) { p.steps[kDrop].needs.push_back("users/x"); }},
        {"step users.email_address/dual_write/trigger: it needs users.email_address/contract/drop, which comes later",
         [](Plan& p) { p.steps[kTrigger].needs.push_back(p.steps[kDrop].id); }},
        {"step users.email_address/dual_write/trigger: it needs users.email_address/dual_write/trigger, which comes "
         "later",
         [](Plan& p) { p.steps[kTrigger].needs.push_back(p.steps[kTrigger].id); }},
        {"step users.email_address/contract/drop: its id stands twice",
         [](Plan& p) { p.steps.push_back(p.steps[kDrop]); }},
        {"step users/expand/late: it belongs to expand and stands after a step of contract",
         [](Plan& p) {
           Step late = p.steps[kNote];
           late.id = "users/expand/late";
           late.phase = Phase::kExpand;
           p.steps.push_back(late);
         }},
    });
  }
}

}  // namespace falsework
