#include "tests/clients/ride.h"

#include <doctest/doctest.h>

#include <thread>

#include "planner/declare/declare.h"
#include "planner/planner.h"
#include "postgres/catalog/introspect.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

Plan plan_for(const Scenario& scenario, const std::string& url) {
  const Migration migration = read_declaration(scenario.declaration, "clients.sql");
  pg::ConnectionSettings settings;
  settings.conninfo = url;
  settings.application_name = "falsework test";
  const auto session = pg::connect(settings);
  return make_plan(migration, pg::introspect(*session, {tables_of(migration)}));
}

}  // namespace

Ride::Ride(Server& server, const Scenario& scenario, std::chrono::milliseconds dwell)
    : scenario_(scenario),
      dwell_(dwell),
      database_(server),
      writers_(scenario_.cast(traffic_)),
      checker_(scenario_.pairs, scenario_.nevers, traffic_) {
  database_.exec(scenario_.schema);
  Client client = database_.connect();
  for (const auto& writer : writers_) writer->seed(client);
  stage("before the plan", [&] {
    checker_.start(database_.url());
    start(Shape::kOld);
  });
  stage("plan", [&] { run_ = std::make_unique<Run>(database_, plan_for(scenario_, database_.url())); });
}

Ride::~Ride() {
  checker_.stop();
  for (const auto& writer : writers_) writer->stop();
}

void Ride::stage(const std::string& name, const std::function<void()>& work) {
  stages_.push_back(name);
  traffic_.enter(name);
  work();
  std::this_thread::sleep_for(dwell_);
  wait_until([&] { return traffic_.during(name) > 0; });
}

void Ride::start(Shape shape) {
  for (const auto& writer : writers_) {
    if (writer->shape() == shape) writer->start(database_.url());
  }
  // What follows means little before all of them are at work.
  for (const auto& writer : writers_) {
    if (writer->shape() == shape) CHECK(wait_until([&] { return writer->has_done_all(); }, std::chrono::seconds(60)));
  }
}

void Ride::stop(Shape shape) {
  for (const auto& writer : writers_) {
    if (writer->shape() == shape) writer->stop();
  }
}

void Ride::advance(Phase phase) { run_->advance_to(phase); }

void Ride::to_both_shapes() {
  stage("expand", [&] { advance(Phase::kExpand); });
  stage("dual_write", [&] { advance(Phase::kDualWrite); });
  stage("backfill", [&] {
    advance(Phase::kBackfill);
    traffic_.proven = true;
  });
  if (scenario_.early_gate) {
    // What the gate waits for: the old shape, which writes what the constraint forbids, ends.
    stage("both shapes", [&] { start(Shape::kNew); });
    stop(Shape::kOld);
    stage("validate", [&] { advance(Phase::kValidate); });
  } else {
    stage("validate", [&] { advance(Phase::kValidate); });
    stage("both shapes", [&] { start(Shape::kNew); });
  }
  stage("switch", [&] { advance(Phase::kSwitch); });
}

void Ride::to_the_end() {
  stop(Shape::kOld);
  stage("contract", [&] { CHECK(run_->advance_to_end() != Outcome::kAtGate); });
  stage("after the end", [&] { traffic_.ended = true; });
}

void Ride::and_back() {
  const bool old_shape_is_gone = scenario_.early_gate;
  if (!old_shape_is_gone) stop(Shape::kNew);
  traffic_.proven = false;
  stage("rollback", [&] { CHECK(run_->rollback() == Outcome::kRolledBack); });
  stage("after the rollback", [] {});
}

void Ride::settle(Shape left) {
  checker_.stop();
  for (const auto& writer : writers_) writer->stop();
  traffic_.enter("end");
  Client client = database_.connect();
  for (const auto& writer : writers_) {
    for (const std::string& wrong : writer->compare(client, left)) traffic_.wrong(writer->name(), wrong);
  }
}

}  // namespace falsework::test
