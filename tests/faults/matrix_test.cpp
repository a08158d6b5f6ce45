// The fault matrix: step kind x point x direction x fault x next action x environment.
//
// The test command tries a covering slice on one version, another each day; scripts/fault-matrix.sh the whole:
// FALSEWORK_FAULT_CELLS=all (or a number of them; FALSEWORK_FAULT_FROM=N leaves out the first N),
// FALSEWORK_FAULT_VERSIONS=14,15; FALSEWORK_FAULT_SECONDS=N ends it early, with the table of what was tried.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "tests/faults/trial.h"
#include "tests/support/process.h"

namespace falsework::test {
namespace {

std::string setting(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? std::string() : value;
}

std::vector<int> versions() {
  std::vector<int> chosen;
  std::stringstream list(setting("FALSEWORK_FAULT_VERSIONS"));
  for (std::string version; std::getline(list, version, ',');) chosen.push_back(std::stoi(version));
  if (!chosen.empty()) return chosen;
  // In turn by the day, so that in a week every version has had its slice.
  const auto day =
      std::chrono::duration_cast<std::chrono::hours>(std::chrono::system_clock::now().time_since_epoch()).count() / 24;
  return {Server::majors()[static_cast<std::size_t>(day) % Server::majors().size()]};
}

// Each cell once, those that cover first.
std::vector<Cell> selected(const std::vector<Cell>& all) {
  const std::string wanted = setting("FALSEWORK_FAULT_CELLS");
  std::vector<Cell> cells = covering(all, !wanted.empty());
  if (wanted.empty()) return cells;
  std::set<std::string> chosen;
  for (const Cell& cell : cells) chosen.insert(describe(cell));
  for (const Cell& cell : all) {
    if (chosen.insert(describe(cell)).second) cells.push_back(cell);
  }
  if (wanted != "all") cells.resize(std::min<std::size_t>(cells.size(), std::stoul(wanted)));
  const std::string from = setting("FALSEWORK_FAULT_FROM");
  if (from.empty()) return cells;
  return {cells.begin() + std::min<std::ptrdiff_t>(std::stol(from), std::ssize(cells)), cells.end()};
}

struct Tally {
  int tried = 0, passed = 0;
};

// Rows by columns, with counts; counts the cells of it that are empty.
class Table {
 public:
  void add(const std::string& row, const std::string& column, bool passed) {
    Tally& tally = cells_[{row, column}];
    ++tally.tried;
    tally.passed += passed ? 1 : 0;
    rows_.insert(row);
    columns_.insert(column);
  }
  std::string text() const {
    std::string out = fmt::format("{:<22}", "");
    for (const std::string& column : columns_) out += fmt::format("{:>23}", column);
    for (const std::string& row : rows_) {
      out += fmt::format("\n{:<22}", row);
      for (const std::string& column : columns_) {
        const auto found = cells_.find({row, column});
        out += found == cells_.end()
                   ? fmt::format("{:>23}", "-")
                   : fmt::format("{:>23}", fmt::format("{}/{}", found->second.passed, found->second.tried));
      }
    }
    return out + "\n";
  }
  int empty() const { return static_cast<int>(rows_.size() * columns_.size() - cells_.size()); }

 private:
  std::map<std::pair<std::string, std::string>, Tally> cells_;
  std::set<std::string> rows_, columns_;
};

}  // namespace

TEST_SUITE("faults/matrix") {
  TEST_CASE("whatever strikes a run, wherever, it goes on to the same end or back to where it began") {
    for (const int major : versions()) {
      CAPTURE(major);
      Ground ground(Server::of(major));
      const TemporaryDirectory directory;
      Trial trial(ground, directory.path());
      const std::vector<Place> forward = trial.trace_forward();
      const std::vector<Place> backward = trial.trace_backward();
      REQUIRE_FALSE(difference(ground.before(), ground.end()).empty());
      const std::vector<Cell> all = all_cells(forward, backward);
      const std::vector<Cell> cells = selected(all);
      const bool slice = setting("FALSEWORK_FAULT_CELLS").empty();
      Table by_kind, by_direction, by_next, by_environment;
      std::map<std::string, Tally> points;
      int passed = 0;
      const auto begun = std::chrono::steady_clock::now();
      const std::string limit = setting("FALSEWORK_FAULT_SECONDS");
      int tried = 0;
      for (const Cell& cell : cells) {
        if (!limit.empty() && std::chrono::steady_clock::now() - begun > std::chrono::seconds(std::stol(limit))) break;
        ++tried;
        std::string problem;
        try {
          problem = trial.attempt(cell);
        } catch (const std::exception& error) {
          problem = error.what();
        }
        const bool fine = problem.empty();
        if (!slice) fmt::print("{}: {}\n", describe(cell), fine ? "passed" : "FAILED");
        CHECK_MESSAGE(fine, describe(cell), ": ", problem);
        passed += fine ? 1 : 0;
        // A slice has each kind of step once for each fault, be it done or undone.
        by_kind.add(name(cell.fault), (cell.backward && !slice ? "undo of " : "") + cell.place.kind, fine);
        by_direction.add(name(cell.fault), cell.backward ? "backward" : "forward", fine);
        by_next.add(name(cell.fault), name(cell.next), fine);
        by_environment.add(name(cell.fault), name(cell.environment), fine);
        ++points[cell.place.kind + " " + cell.place.point].tried;
      }
      const auto took = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun);
      fmt::print(
          "PostgreSQL {}: {} of {} cells passed ({} in the whole matrix), {} points of {} step kinds, {} s\n{}{}{}{}",
          major, passed, tried, all.size(), points.size(), 7, took.count(), by_kind.text(), by_direction.text(),
          by_next.text(), by_environment.text());
      if (!setting("FALSEWORK_FAULT_FROM").empty()) continue;  // what comes first has met the rest
      CHECK(by_next.empty() == 0);
      CHECK(by_environment.empty() == 0);
      CHECK(by_direction.empty() == 0);
      CHECK(by_kind.empty() == 0);
    }
  }
}

}  // namespace falsework::test
