// kill -9 between any two events of a run of the built program; then the same commands again, or back.
//
// FALSEWORK_KILL_STRIDE=1 visits every point instead of every n-th; FALSEWORK_KILL_VERSIONS=all all servers instead of
// one.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/examples/example.h"
#include "tests/kill/program.h"
#include "tests/kill/state.h"

namespace falsework::test {
namespace {

constexpr int kKilled = 128 + 9;
constexpr int kRefused = 3;
constexpr int kUsualStride = 12;
constexpr int kBackEvery = 5;
constexpr OracleOptions kAnyOrder{true};

struct Case {
  const char* example;
  bool fills_stay;        // the plan says that a rollback leaves filled what was filled
  bool reorders = false;  // a column that comes back out of an archive stands behind the others
};
constexpr Case kCases[] = {{"01-rename-column", false},
                           {"04-bigint-primary-key", false},
                           {"06-not-null-with-fill", true},
                           {"08-foreign-key", false},
                           {"21-archive-and-evidence", false, true}};

int stride() {
  const char* text = std::getenv("FALSEWORK_KILL_STRIDE");
  return text == nullptr ? kUsualStride : std::max(1, std::atoi(text));
}

// The stretch of an archive is short, and what it holds may be the only copy: more of it is visited.
int archive_stride() { return std::max(1, stride() / 3); }

std::vector<int> versions() {
  const char* text = std::getenv("FALSEWORK_KILL_VERSIONS");
  if (text != nullptr && std::string(text) == "all") return Server::majors();
  return {Server::any().major()};
}

std::string told(const std::string& what, const ProcessResult& result) {
  return fmt::format("{} ended with status {}:\n{}{}", what, result.status, result.out, result.err);
}

// What is wrong after a rollback that may leave rows as they are in the end.
std::string difference_but_for_fills(const DatabaseState& before, const DatabaseState& end,
                                     const DatabaseState& state) {
  DatabaseState found = state;
  for (auto& [table, rows] : found.rows) {
    const auto was = before.rows.find(table);
    const auto will_be = end.rows.find(table);
    if (was == before.rows.end() || will_be == end.rows.end() || was->second.size() != rows.size()) continue;
    std::vector<std::string> either;
    std::set_union(was->second.begin(), was->second.end(), will_be->second.begin(), will_be->second.end(),
                   std::back_inserter(either));
    if (std::includes(either.begin(), either.end(), rows.begin(), rows.end())) rows = was->second;
  }
  return difference(before, found);
}

int count_points(const Program& program, const std::vector<std::string>& command) {
  const auto trace = program.path("trace-" + command.front());
  const ProcessResult result = program.run(command, {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL_TRACE", trace}});
  REQUIRE_MESSAGE(result.status == 0, told(command.front(), result));
  std::ifstream lines(trace);
  return static_cast<int>(std::count(std::istreambuf_iterator<char>(lines), {}, '\n'));
}

// Kills the command at its n-th point, from 1. Returns what is wrong, or "".
std::string kill_at(const Program& program, const std::vector<std::string>& command, int n) {
  const ProcessResult killed =
      program.run(command, {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", fmt::format("*@{}=kill", n)}});
  return killed.status == kKilled ? "" : told("the point was not reached: " + command.front(), killed);
}

// The run of one example: what it begins with, what it ends with, and how many points each command passes.
class Ground {
 public:
  Ground(Server& server, const Example& example, const Case& given)
      : original_(server), fills_stay_(given.fills_stay), order_{given.reorders} {
    original_.exec(example.before);
    plan_ = plan_of(example, snapshot_of(example, original_.url()));
    before_ = state_of(original_, order_);
    const TestDatabase database = original_.clone();
    const Program program(database, plan_);
    apply_points_ = count_points(program, program.apply());
    advance_points_ = count_points(program, program.advance());
    end_ = state_of(database, order_);
  }

  int points() const { return apply_points_ + advance_points_; }
  const TestDatabase& original() const { return original_; }
  const Plan& plan() const { return plan_; }
  const DatabaseState& before() const { return before_; }
  const DatabaseState& end() const { return end_; }

  // Kills the run at its n-th point, from 1, and sees what can be made of what is left. Returns what is wrong, or "".
  std::string try_point(int n) const {
    const TestDatabase database = original_.clone();
    const Program program(database, plan_);
    const bool in_apply = n <= apply_points_;
    if (!in_apply) {
      const ProcessResult applied = program.run(program.apply());
      if (applied.status != 0) return told("apply", applied);
    }
    const auto command = in_apply ? program.apply() : program.advance();
    const int at = in_apply ? n : n - apply_points_;
    if (std::string problem = kill_at(program, command, at); !problem.empty()) return problem;
    if (n % kBackEvery == 0 && program.runs() > 0) return go_back(database, program);
    return go_on(database, program, in_apply);
  }

 private:
  std::string go_on(const TestDatabase& database, const Program& program, bool from_apply) const {
    if (from_apply) {
      const ProcessResult applied = program.run(program.apply());
      if (applied.status != 0) return told("apply, again,", applied);
    }
    const ProcessResult advanced = program.run(program.advance());
    if (advanced.status != 0) return told("advance", advanced);
    if (program.runs() != 1) return fmt::format("there are {} runs", program.runs());
    return difference(end_, state_of(database, order_));
  }

  std::string go_back(const TestDatabase& database, const Program& program) const {
    const ProcessResult undone = program.run(program.rollback());
    const bool no_return =
        database.connect_as_superuser().value("SELECT bool_or(past_no_return) FROM falsework.run") == "t";
    if (!no_return && undone.status == 0) {
      const DatabaseState found = state_of(database, order_);
      return fills_stay_ ? difference_but_for_fills(before_, end_, found) : difference(before_, found);
    }
    if (!no_return || undone.status != kRefused) return told("rollback", undone);
    return go_on(database, program, false);
  }

  const TestDatabase original_;
  const bool fills_stay_;
  const OracleOptions order_;
  Plan plan_;
  DatabaseState before_, end_;
  int apply_points_ = 0, advance_points_ = 0;
};

// A run whose old shape is archived: how it comes through the contract, and back out of the archive from the end.
class ArchivedGround {
 public:
  explicit ArchivedGround(Server& server) : original_(server) {
    const Example archive = example("21-archive-and-evidence");
    original_.exec(archive.before);
    plan_ = plan_of(archive, snapshot_of(archive, original_.url()));
    before_ = state_of(original_, kAnyOrder);
    const TestDatabase database = original_.clone();
    const Program program(database, plan_);
    REQUIRE(bring(program, {program.apply(), program.switch_over()}).empty());
    forward_ = count_points(program, program.advance());
    end_ = state_of(database, kAnyOrder);
    backward_ = count_points(program, program.rollback());
    const std::string problem = difference(before_, state_of(database, kAnyOrder));
    REQUIRE_MESSAGE(problem.empty(), problem);
  }

  int forward_points() const { return forward_; }
  int backward_points() const { return backward_; }

  // Killed at the n-th point of its contract; then on to the end, or back.
  std::string try_forward(int n, bool back) const {
    const TestDatabase database = original_.clone();
    const Program program(database, plan_);
    if (std::string problem = bring(program, {program.apply(), program.switch_over()}); !problem.empty())
      return problem;
    if (std::string problem = kill_at(program, program.advance(), n); !problem.empty()) return problem;
    if (std::string problem = bring(program, {back ? program.rollback() : program.advance()}); !problem.empty()) {
      return problem;
    }
    return difference(back ? before_ : end_, state_of(database, kAnyOrder));
  }

  // Killed at the n-th point of a rollback from the end, and rolled back again.
  std::string try_backward(int n) const {
    const TestDatabase database = original_.clone();
    const Program program(database, plan_);
    if (std::string problem = bring(program, {program.apply(), program.advance()}); !problem.empty()) return problem;
    if (std::string problem = kill_at(program, program.rollback(), n); !problem.empty()) return problem;
    if (std::string problem = bring(program, {program.rollback()}); !problem.empty()) return problem;
    return difference(before_, state_of(database, kAnyOrder));
  }

 private:
  static std::string bring(const Program& program, const std::vector<std::vector<std::string>>& commands) {
    for (const auto& command : commands) {
      const ProcessResult result = program.run(command);
      if (result.status != 0) return told(command.front(), result);
    }
    return "";
  }

  const TestDatabase original_;
  Plan plan_;
  DatabaseState before_, end_;
  int forward_ = 0, backward_ = 0;
};

}  // namespace

TEST_SUITE("tests/kill") {
  TEST_CASE("a run that is killed between any two events goes on to the same end, or back to where it began") {
    std::string table = fmt::format("{:<8}{:<28}{:>8}{:>8}{:>8}\n", "server", "example", "points", "tried", "passed");
    int offset = 0;
    for (const int major : versions()) {
      for (const Case& each : kCases) {
        const std::string name = each.example;
        CAPTURE(major);
        CAPTURE(name);
        const Ground ground(Server::of(major), example(name), each);
        REQUIRE(ground.points() > 0);
        REQUIRE_FALSE(difference(ground.before(), ground.end()).empty());
        int tried = 0;
        int passed = 0;
        // Another start for each example, so that together they visit more kinds of points.
        for (int n = 1 + offset++ % stride(); n <= ground.points(); n += stride()) {
          CAPTURE(n);
          const std::string problem = ground.try_point(n);
          CHECK_MESSAGE(problem.empty(), problem);
          ++tried;
          if (problem.empty()) ++passed;
        }
        table += fmt::format("{:<8}{:<28}{:>8}{:>8}{:>8}\n", major, name, ground.points(), tried, passed);
      }
    }
    fmt::print("{}", table);
  }

  TEST_CASE("a run that is killed while it archives, or while it restores, goes on to its end, or back to its begin") {
    int turn = 0;
    for (const int major : versions()) {
      CAPTURE(major);
      const ArchivedGround ground(Server::of(major));
      REQUIRE(ground.forward_points() > 0);
      REQUIRE(ground.backward_points() > 0);
      int tried = 0;
      const auto note = [&](const std::string& problem) {
        CHECK_MESSAGE(problem.empty(), problem);
        ++tried;
      };
      for (int n = 1; n <= ground.forward_points(); n += archive_stride()) {
        CAPTURE(n);
        note(ground.try_forward(n, ++turn % 2 == 0));
      }
      for (int n = 1; n <= ground.backward_points(); n += archive_stride()) {
        CAPTURE(n);
        note(ground.try_backward(n));
      }
      fmt::print("{:<8}{:<28}{:>8}{:>8}\n", major, "21, its contract and back",
                 ground.forward_points() + ground.backward_points(), tried);
    }
  }

  TEST_CASE("a run whose process gets too little memory goes on to the same end when it has enough") {
    constexpr long kLeast = 32L * 1024, kMost = 320L * 1024, kMore = 4L * 1024;
    const Example rename = example("01-rename-column");
    const Ground ground(Server::any(), rename, kCases[0]);
    const TestDatabase database = ground.original().clone();
    const Program program(database, ground.plan());
    int failures = 0;
    for (const auto& command : {program.apply(), program.advance()}) {
      for (long kilobytes = kLeast; kilobytes <= kMost; kilobytes += kMore) {
        const ProcessResult result = program.run_within(kilobytes, command);
        if (result.status == 0) break;
        ++failures;
        // Nobody is told that it was his input, or a gate.
        CHECK_MESSAGE((result.status != 2 && result.status != 3), told(command.front(), result));
      }
      const ProcessResult enough = program.run(command);
      CHECK_MESSAGE(enough.status == 0, told(command.front(), enough));
    }
    CHECK(failures > 0);
    CHECK(program.runs() == 1);
    const std::string problem = difference(ground.end(), state_of(database));
    CHECK_MESSAGE(problem.empty(), problem);
  }
}

}  // namespace falsework::test
