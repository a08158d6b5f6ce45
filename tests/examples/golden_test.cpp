// plans/examples/*/plan.json and runbook.md are what the planner and the runbook make of the example today.
// FALSEWORK_UPDATE_GOLDEN=1 writes them anew; review the difference as you would review the change.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "base/file.h"
#include "engine/runbook/runbook.h"
#include "tests/examples/example.h"

namespace falsework::test {
namespace {

// For a while, the owner of a test database is called `app`, so that files do not hold a test's own names.
class CalledApp {
 public:
  explicit CalledApp(const TestDatabase& database)
      : role_(database.role()), superuser_(Client(database.server().superuser_url())) {
    superuser_.exec("ALTER ROLE " + role_ + " RENAME TO app");
  }
  ~CalledApp() { superuser_.exec("ALTER ROLE app RENAME TO " + role_); }
  CalledApp(const CalledApp&) = delete;
  CalledApp& operator=(const CalledApp&) = delete;

 private:
  std::string role_;
  Client superuser_;
};

Plan golden_plan(const Example& example) {
  TestDatabase database(Server::of(15));
  database.exec(example.before);
  database.exec("ANALYZE");
  const CalledApp renamed(database);
  pg::Snapshot snapshot = snapshot_of(example, database.url_as("app"));
  snapshot.server_version = 150000;
  snapshot.database = "example";
  snapshot.system_identifier = "7300000000000000000";
  return plan_of(example, snapshot);
}

void compare(const Example& example, const std::string& file, const std::string& text) {
  CAPTURE(example.name);
  CAPTURE(file);
  if (std::getenv("FALSEWORK_UPDATE_GOLDEN") != nullptr) write_file(example.directory / file, text);
  const std::string golden = example.file(file);
  const auto [there, here] = std::mismatch(golden.begin(), golden.end(), text.begin(), text.end());
  const std::string context(there - std::min<std::ptrdiff_t>(60, there - golden.begin()),
                            std::min(golden.end(), there + 60));
  CHECK_MESSAGE(golden == text, "differs near: ", context);
}

}  // namespace

TEST_SUITE("tests/examples") {
  TEST_CASE("the plan and the runbook of every example are those in its folder") {
    const auto& majors = Server::majors();
    if (std::find(majors.begin(), majors.end(), 15) == majors.end()) return;
    for (const Example& each : examples()) {
      const Plan plan = golden_plan(each);
      compare(each, "plan.json", render_plan(plan));
      compare(each, "runbook.md", render_runbook(plan, RunbookFormat::kMarkdown));
    }
  }
}

}  // namespace falsework::test
