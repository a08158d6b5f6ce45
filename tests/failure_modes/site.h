// A database, a schema and a declaration, and a run of the plan that comes of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/examples/example.h"

namespace falsework::test {

Plan plan_in(const TestDatabase& database, const std::string& declaration);
// The refusal's message, or "" when a plan was made.
std::string refusal_in(const TestDatabase& database, const std::string& declaration);
std::string warnings_of(const Plan& plan);

// papers(id, label, note) with `rows` rows, and the plan to rename label to title, run up to the gate of the switch.
class RenamedPapers {
 public:
  explicit RenamedPapers(const std::string& more = "", int rows = 50);

  const TestDatabase& database() const { return database_; }
  Run& run() { return *run_; }
  // Rows in which the two shapes differ, byte by byte.
  std::string disagreeing() const;

 private:
  TestDatabase database_;
  std::unique_ptr<Run> run_;
};

}  // namespace falsework::test
