// What the executor's tests work on: a database, a ledger, an observer that writes down what it is told, and steps
// written by hand.
//
// One rule: nothing here comes from the planner: the executor must run any plan that is closed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "executor/executor.h"
#include "plans/plan.h"
#include "state/ledger.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {

class RecordingObserver final : public Observer {
 public:
  void step_started(const Step& step, bool undo) override { note(undo ? "undo" : "start", step); }
  void step_finished(const Step& step, bool undo, std::chrono::milliseconds) override {
    note(undo ? "undone" : "done", step);
  }
  void step_failed(const Step& step, bool, const Error& error) override {
    lines.push_back("failed " + step.id + " " + std::string(error.code()));
  }
  void step_blocked(const Step& step, int, const std::vector<std::string>& holders) override {
    note("blocked", step);
    blockers.insert(blockers.end(), holders.begin(), holders.end());
    if (when_blocked) when_blocked();
  }
  void copy_progress(const Step&, const Progress& seen) override {
    progress.push_back(seen);
    if (when_copied) when_copied();
  }
  void build_progress(const Step&, const Progress& seen) override {
    builds.push_back(seen);
    if (when_built) when_built();
  }
  void gate_closed(const Step& step) override { note("closed", step); }

  bool saw(const std::string& line) const;

  std::vector<std::string> lines, blockers;
  std::vector<Progress> progress, builds;
  std::function<void()> when_blocked, when_copied, when_built;

 private:
  void note(const std::string& what, const Step& step) { lines.push_back(what + " " + step.id); }
};

// One engine's surroundings.
class Site {
 public:
  explicit Site(const TestDatabase& database);
  // A stop request of one test is not the next one's.
  ~Site();
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  ExecutorOptions options() const;
  std::unique_ptr<Engagement> start(const Plan& plan);
  std::unique_ptr<Engagement> take_up(const std::string& run);
  // The kinds of the run's events, in order: `step_done items/expand/column`.
  std::vector<std::string> history(const std::string& run) const;
  std::unique_ptr<pg::Session> session() const;

  const TestDatabase& database;
  const TemporaryDirectory directory;
  const std::filesystem::path ledger_path;
  std::unique_ptr<Ledger> ledger;
  SystemClock clock;
  RecordingObserver observer;
};

// A request that runs to the end, through every gate of `release` and `advance`.
AdvanceRequest to_the_end(std::set<std::string> releases = {"2026.12"});

// A request that goes as far as one step.
AdvanceRequest one_step(const std::string& id);

// Steps; ids are of the form subject/phase/what.
Step statement(const std::string& id, std::vector<std::string> sql, std::vector<std::string> undo);
Step build_index(const std::string& id, const std::string& table, const std::string& index, const std::string& columns,
                 bool unique = false);
Step gate(const std::string& id, const GateCondition& condition);
Step count_check(const std::string& id, const std::string& query, bool proof);
pg::TakenLock lock_on(const std::string& relation, pg::LockMode mode);

// Stamps. With a database: relies on what its tables are now.
Plan plan_of(std::vector<Step> steps, const Site* site = nullptr);

// Table items (id, a) with `rows` rows; and a plan that gives it a bigint copy of `a`, in all six kinds of steps.
void create_items(const TestDatabase& database, int rows);
Plan items_plan(const Site& site);
Step items_copy();
// Its first three steps alone: the column, the copy, its proof.
Plan copy_plan(const Site& site);
// How many rows the copy has not brought into agreement.
std::string uncopied(const TestDatabase& database);
// One index on items (a), and what has become of it: none, invalid, valid.
inline constexpr const char* kIndexStep = "items/expand/index";
Plan index_plan(const Site& site, bool unique = false);
std::string index_state(const TestDatabase& database);
// Everything that items_plan can change, as text: columns, indexes, triggers, functions and the rows.
std::string items_state(const TestDatabase& database);

// The code of the Error that `work` throws, or "" when it throws none.
std::string code_of(const std::function<void()>& work);
Error error_of(const std::function<void()>& work);

}  // namespace falsework::test
