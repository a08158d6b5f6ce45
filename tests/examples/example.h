// The examples of plans/examples/, as tests use them: a schema, a declaration, and the DDL that one would like to
// write.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "executor/executor.h"
#include "plans/plan.h"
#include "postgres/catalog/snapshot.h"
#include "state/ledger.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {

struct Example {
  std::string name;
  std::filesystem::path directory;
  std::filesystem::path declaration;
  std::string before;  // before.sql

  std::string file(const std::string& which) const;  // its text; empty when there is none
};

// All of plans/examples/, by name; FALSEWORK_TEST_EXAMPLES=01,04 selects by prefix.
std::vector<Example> examples();
Example example(const std::string& name);

// What the naive DDL of an example is: naive.sql when it is there, else the declaration itself.
std::string naive_of(const Example& example, const Plan& plan);

pg::Snapshot snapshot_of(const Example& example, const std::string& url);
Plan plan_of(const Example& example, const pg::Snapshot& snapshot);
// The same with "archive" declared; nullopt where the planner refuses that.
std::optional<Plan> archiving_plan_of(const Example& example, const pg::Snapshot& snapshot);

// Says nothing.
class SilentObserver : public Observer {
 public:
  void step_started(const Step&, bool) override {}
  void step_finished(const Step&, bool, std::chrono::milliseconds) override {}
  void step_failed(const Step&, bool, const Error&) override {}
  void step_blocked(const Step&, int, const std::vector<std::string>&) override {}
  void copy_progress(const Step&, const Progress&) override {}
  void build_progress(const Step&, const Progress&) override {}
  void gate_closed(const Step&) override {}
};

// A run of a plan in a test database, with a ledger of its own.
class Run {
 public:
  Run(const TestDatabase& database, Plan plan);

  // To the end of a phase, or to the end of all; every gate on the way is opened.
  Outcome advance_to(Phase phase);
  Outcome advance_to_step(const std::string& step);
  Outcome advance_to_end();
  Outcome rollback(const RollbackRequest& request = {});
  RunState state();
  const Plan& plan() const { return plan_; }

 private:
  Outcome advance(const Target& target);
  std::unique_ptr<Engagement> open();

  Plan plan_;
  std::string text_;
  std::string url_;
  TemporaryDirectory directory_;
  std::unique_ptr<Ledger> ledger_;
  SystemClock clock_;
  SilentObserver observer_;
};

}  // namespace falsework::test
