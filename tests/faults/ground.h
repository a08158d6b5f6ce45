// What the fault matrix works on: one small table, one plan with all six kinds of steps, and what its ends look like.
#pragma once

#include <string>

#include "plans/plan.h"
#include "tests/kill/state.h"
#include "tests/support/server.h"

namespace falsework::test {

// papers(id, label, note): `label` is renamed to `title`; it has an index, so one is built concurrently.
class Ground {
 public:
  explicit Ground(Server& server);

  const TestDatabase& original() const { return original_; }
  const Plan& plan() const { return plan_; }
  const std::string& plan_text() const { return text_; }

  // As a run finds it, and as a run to the end and nothing else leaves it.
  const DatabaseState& before() const { return before_; }
  const DatabaseState& end() const { return end_; }
  void set_end(DatabaseState end) { end_ = std::move(end); }

 private:
  const TestDatabase original_;
  Plan plan_;
  std::string text_;
  DatabaseState before_, end_;
};

}  // namespace falsework::test
