// Runs the commands of docs/tutorial.md, block by block, as a reader would.
#include <doctest/doctest.h>

#include <sstream>
#include <vector>

#include "base/file.h"
#include "tests/support/process.h"
#include "tests/support/server.h"

namespace falsework::test {
namespace {

struct Block {
  std::string kind;  // sh, text
  std::string text;
};

std::vector<Block> fenced_blocks(const std::string& page) {
  std::vector<Block> blocks;
  bool inside = false;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = !inside;
      if (inside) blocks.push_back({line.substr(3), ""});
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}

}  // namespace

TEST_SUITE("docs") {
  TEST_CASE("every command of the tutorial works, and prints what the tutorial says") {
    Server& server = Server::of(15);  // whose packages bring psql
    TestDatabase database(server);
    const TemporaryDirectory directory;
    ProcessOptions options;
    options.directory = directory.path();
    options.environment = {{"DATABASE_URL", database.url()},
                           {"FALSEWORK_STATE", (directory.path() / "state" / "state.db").string()},
                           {"PATH", std::filesystem::path(FALSEWORK_PROGRAM).parent_path().string() + ":" +
                                        server.program("").parent_path().string() + ":/usr/local/bin:/usr/bin:/bin"}};
    std::string printed;
    int commands = 0;
    for (const Block& block : fenced_blocks(read_file(std::string(FALSEWORK_SOURCE) + "/docs/tutorial.md"))) {
      CAPTURE(block.text);
      if (block.kind == "sh") {
        const ProcessResult result = Process({"/bin/bash", "-e", "-c", block.text}, options).wait();
        CAPTURE(result.err);
        REQUIRE(result.status == 0);
        printed = result.out + result.err;
        ++commands;
      } else if (block.kind == "text") {
        std::istringstream lines(block.text);
        for (std::string line; std::getline(lines, line);) {
          CAPTURE(line);
          CHECK(printed.find(line) != std::string::npos);
        }
      }
    }
    CHECK(commands >= 10);
  }
}

}  // namespace falsework::test
