// One run of one scenario under traffic, from before the plan to the end or back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/clients/scenario.h"
#include "tests/examples/example.h"

namespace falsework::test {

class Ride {
 public:
  // Loads the schema and the rows, starts the checker and the writers of the old shape, and plans.
  Ride(Server& server, const Scenario& scenario, std::chrono::milliseconds dwell);
  ~Ride();

  // Through the phases in which the old shape alone is written, up to where the new one may come; then both write.
  void to_both_shapes();
  // Switches, ends the old shape, contracts; the new shape goes on alone.
  void to_the_end();
  // Switches, ends the new shape, goes all the way back; the old shape goes on.
  void and_back();
  // Ends all writers and reads every table once more, in the shape that is left.
  void settle(Shape left);

  const Traffic& traffic() const { return traffic_; }
  const std::vector<std::string>& stages() const { return stages_; }
  const TestDatabase& database() const { return database_; }
  std::vector<std::unique_ptr<Writer>>& writers() { return writers_; }

 private:
  void start(Shape shape);
  void stop(Shape shape);
  // Names what comes, does it, and lets the clients write for a while.
  void stage(const std::string& name, const std::function<void()>& work);
  void advance(Phase phase);

  const Scenario scenario_;
  const std::chrono::milliseconds dwell_;
  TestDatabase database_;
  Traffic traffic_;
  std::vector<std::unique_ptr<Writer>> writers_;
  Checker checker_;
  std::unique_ptr<Run> run_;
  std::vector<std::string> stages_;
};

}  // namespace falsework::test
