// One cell, tried: the fault, what comes after, and every invariant that must hold then.
#pragma once

#include <string>

#include "tests/faults/cell.h"

namespace falsework::test {

class Trial {
 public:
  Trial(Ground& ground, const std::filesystem::path& directory);

  // Runs once to the end, and once to the gate and back, without a fault; learns the places and what the end is.
  std::vector<Place> trace_forward();
  std::vector<Place> trace_backward();

  // What is wrong after this cell; empty when nothing is.
  std::string attempt(const Cell& cell);

 private:
  struct Scene;

  EngineEnd run(Scene& scene, Way way, const std::string& fail = {});
  std::string bring(Scene& scene, Way way);
  std::string attempt_at(const Cell& cell);
  std::string strike(Scene& scene, const Cell& cell);
  std::string strike_server(Scene& scene, const Cell& cell, Engine& engine);
  std::string go_on(Scene& scene, const Cell& cell, bool& at_end);
  std::string invariants(Scene& scene, bool at_end);
  std::string state_differs(Scene& scene, bool at_end);
  std::filesystem::path trace_once(Way way);
  std::vector<Place> trace(Way way);

  Ground& ground_;
  const std::filesystem::path directory_;
  int scenes_ = 0;
};

}  // namespace falsework::test
