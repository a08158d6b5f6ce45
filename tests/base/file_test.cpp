#include "base/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

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

TEST_CASE("a pipe and a device are written and stay what they are; a link stays, and its file is written") {
  const test::TemporaryDirectory directory;
  const auto pipe = directory.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::string seen;
  std::thread reader([&] { seen = read_file(pipe); });
  write_file(pipe, "through");
  reader.join();
  CHECK(seen == "through");
  CHECK(std::filesystem::is_fifo(pipe));

  const auto device = directory.path() / "device";
  std::filesystem::create_symlink("/dev/null", device);
  write_file(device, "nowhere");
  CHECK(std::filesystem::is_character_file("/dev/null"));
  CHECK(std::filesystem::is_symlink(device));

  const auto link = directory.path() / "link";
  std::filesystem::create_symlink("target", link);
  write_file(link, "first");
  write_file(link, "second");
  CHECK(std::filesystem::is_symlink(link));
  CHECK(read_file(directory.path() / "target") == "second");
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
