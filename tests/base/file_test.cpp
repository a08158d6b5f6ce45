#include "base/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/error_kinds.h"
#include "tests/support/process.h"

namespace falsework {

TEST_SUITE_BEGIN("base/file");

TEST_CASE("what was written is read, byte by byte") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "a file";
  std::string text("line\r\n\0ü", 9);
  text += std::string(200'000, 'x');
  write_file(path, text);
  CHECK(read_file(path) == text);
  write_file(path, "");
  CHECK(read_file(path).empty());
}

TEST_CASE("a written file has the mode that was asked for and nothing is left beside it") {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "secret";
  write_file(path, "first", 0600);
  write_file(path, "second", 0600);
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
  const std::filesystem::directory_iterator entries(directory.path());
  CHECK(std::distance(begin(entries), end(entries)) == 1);
}

TEST_CASE("a file that cannot be read names the path and the reason") {
  const test::TemporaryDirectory directory;
  const auto missing = directory.path() / "missing.json";
  try {
    read_file(missing);
    FAIL("read");
  } catch (const Error& error) {
    CHECK(error.code() == errors::kFileUnreadable.code);
    CHECK(error.what() == "cannot read " + missing.string() + ": No such file or directory");
    CHECK(error.hint() == "Check the path and its permissions.");
  }
  CHECK_THROWS_AS(read_file(directory.path()), Error);
}

TEST_CASE("a write that fails leaves the old text and no temporary file") {
  const test::TemporaryDirectory directory;
  const auto target = directory.path() / "taken";
  std::filesystem::create_directory(target);
  std::ofstream(target / "inside") << "old";
  try {
    write_file(target, "new");
    FAIL("written");
  } catch (const Error& error) {
    CHECK(error.code() == errors::kFileUnwritable.code);
    CHECK(std::string(error.what()).find("cannot write " + target.string()) == 0);
  }
  CHECK(read_file(target / "inside") == "old");
  const std::filesystem::directory_iterator entries(directory.path());
  CHECK(std::distance(begin(entries), end(entries)) == 1);
  CHECK_THROWS_AS(write_file(directory.path() / "no" / "such" / "directory", "x"), Error);
}

TEST_SUITE_END();

}  // namespace falsework
