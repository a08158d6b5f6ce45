#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace falsework::test {
namespace {

// How many there are of each letter.
const std::map<char, int> kModes{{'A', 28}, {'B', 19}, {'C', 16}, {'D', 30}, {'E', 22}, {'F', 20}};
constexpr int kTested = 110;

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::filesystem::path source(const std::string& path) { return std::filesystem::path(FALSEWORK_SOURCE) / path; }

// `suite: case` of every test.
std::set<std::string> all_cases() {
  const std::regex pattern("TEST_(SUITE|SUITE_BEGIN|CASE)\\(\\s*\"([^\"]*)\"");
  std::set<std::string> cases;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source("tests"))) {
    if (!entry.path().string().ends_with("_test.cpp")) continue;
    const std::string text = contents(entry.path());
    std::string suite;
    for (std::sregex_iterator found(text.begin(), text.end(), pattern), end; found != end; ++found) {
      if ((*found)[1] == "CASE") {
        cases.insert(suite + ": " + (*found)[2].str());
      } else {
        suite = (*found)[2];
      }
    }
  }
  return cases;
}

}  // namespace

TEST_SUITE("docs/failure-modes.md") {
  TEST_CASE("every failure mode has the test that is named, or its refusal") {
    const std::set<std::string> cases = all_cases();
    REQUIRE(cases.size() > 400);
    std::ifstream page(source("docs/failure-modes.md"));
    std::map<char, int> seen;
    int tested = 0;
    const std::regex row("\\| ([A-F])([0-9]+) \\|([^|]*)\\|([^|]*)\\|");
    for (std::string line; std::getline(page, line);) {
      std::smatch cells;
      if (!std::regex_search(line, cells, row)) continue;
      CAPTURE(line);
      const char letter = cells[1].str()[0];
      // In order, so that none is missing and none stands twice.
      CHECK(std::stoi(cells[2]) == ++seen[letter]);
      const std::string proof = cells[4];
      int named = 0;
      const std::regex code("`([^`]+): ([^`]+)`");
      for (std::sregex_iterator found(proof.begin(), proof.end(), code), end; found != end; ++found) {
        const std::string test = (*found)[1].str() + ": " + (*found)[2].str();
        CHECK_MESSAGE(cases.contains(test), test);
        ++named;
      }
      const bool excused = proof.find("refused:") != std::string::npos || proof.find("limit:") != std::string::npos;
      CHECK((named > 0 || excused));
      tested += named > 0 ? 1 : 0;
    }
    CHECK(seen == kModes);
    CHECK(tested >= kTested);
  }
}

}  // namespace falsework::test
