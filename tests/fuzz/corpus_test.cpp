// Every input of the kept corpus, and every prefix of some, goes through its reader in the ordinary build.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/readers.h"

namespace falsework::test {
namespace {

struct Case {
  const char* folder;
  void (*read)(std::string_view);
};
constexpr Case kCases[] = {{"declaration_json", read_declaration_json},
                           {"declaration_sql", read_declaration_sql},
                           {"plan", read_plan},
                           {"ledger", read_ledger}};

std::string contents(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_SUITE("fuzz/corpus") {
  TEST_CASE("every input of the corpus is read or refused, whole and cut short, and nothing else happens") {
    for (const Case& c : kCases) {
      CAPTURE(c.folder);
      int inputs = 0;
      const auto folder = std::filesystem::path(FALSEWORK_SOURCE) / "tests/fuzz/corpus" / c.folder;
      for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string file = entry.path().filename().string();
        CAPTURE(file);
        const std::string bytes = contents(entry.path());
        CHECK_NOTHROW(c.read(bytes));
        for (int tenth = 1; tenth < 10; ++tenth) {
          CHECK_NOTHROW(c.read(std::string_view(bytes).substr(0, bytes.size() * static_cast<std::size_t>(tenth) / 10)));
        }
        ++inputs;
      }
      CHECK(inputs >= 3);
    }
  }
}

}  // namespace falsework::test
