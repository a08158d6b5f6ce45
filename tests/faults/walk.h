// A random walk: change after change on one table, under clients of both shapes, faults, resumes and rollbacks.
//
// One rule: every decision comes from the seed, so that a walk can be made again.
#pragma once

#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/faults/engine.h"
#include "tests/support/server.h"

namespace falsework::test {

struct WalkCounts {
  long changes = 0, rollbacks = 0, kills = 0, terminations = 0, crashes = 0, ledger_faults = 0, acknowledged = 0;
};

class Walk {
 public:
  Walk(Server& server, std::uint32_t seed, const std::filesystem::path& directory);

  // Declares one change, strikes it a few times, drives it to an end or back, and looks at everything; returns what is
  // wrong, or "".
  std::string step();
  const WalkCounts& counts() const { return counts_; }
  // What has been decided so far, a line for each decision.
  const std::vector<std::string>& decisions() const { return decisions_; }

 private:
  std::string declare();
  void plan(const std::string& declaration);
  // One engine, perhaps struck; its end.
  EngineEnd struck(Way way);
  EngineEnd run(const EngineOrder& order, bool restart);
  std::string bring(Way way);
  std::string look();
  int below(int bound);
  void decide(const std::string& what);

  Server& server_;
  const std::filesystem::path directory_;
  const TestDatabase database_;
  std::minstd_rand random_;
  std::string column_ = "label";
  bool bounded_ = false;  // its type is varchar(900)
  std::string next_column_;
  bool next_bounded_ = false;
  Plan plan_;
  std::string plan_text_;
  WalkCounts counts_;
  std::vector<std::string> decisions_;
};

}  // namespace falsework::test
