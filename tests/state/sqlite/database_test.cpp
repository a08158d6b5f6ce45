#include "state/sqlite/database.h"

#include "state/sqlite/schema.h"
#include "tests/state/ledger_file.h"
#include "tests/support/process.h"

namespace falsework::sqlite {

TEST_SUITE_BEGIN("state/sqlite/database");

using test::failure_of;
using test::TemporaryDirectory;

namespace {

constexpr std::chrono::milliseconds kNoWait{0};

// A ledger, empty, to run SQL in.
struct Scratch {
  Scratch() : path(directory.path() / "state.db") { Ledger::open(path, true); }
  TemporaryDirectory directory;
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("the connection is pinned to what a ledger needs") {
  const Scratch scratch;
  const Database database(scratch.path, kNoWait);
  database.run("PRAGMA synchronous = OFF");
  pin_settings(database);
  CHECK(database.text("PRAGMA journal_mode") == "delete");
  CHECK(database.number("PRAGMA synchronous") == 2);
  CHECK(database.number("PRAGMA foreign_keys") == 1);
  CHECK(database.number("PRAGMA trusted_schema") == 0);
  CHECK(database.number("PRAGMA application_id") == kApplicationId);
  CHECK(database.number("PRAGMA user_version") == kUserVersion);
}

TEST_CASE("a file that somebody switched to a write-ahead log is switched back") {
  const Scratch scratch;
  {
    const Database database(scratch.path, kNoWait);
    REQUIRE(database.text("PRAGMA journal_mode = WAL") == "wal");
  }
  const Database database(scratch.path, kNoWait);
  pin_settings(database);
  CHECK(database.text("PRAGMA journal_mode") == "delete");
  CHECK_FALSE(std::filesystem::exists(scratch.path.string() + "-wal"));
}

TEST_CASE("the schema cannot be written as if it were data") {
  const Scratch scratch;
  const Database database(scratch.path, kNoWait);
  database.run("PRAGMA writable_schema = ON");
  CHECK(failure_of([&] { database.run("DELETE FROM sqlite_schema"); }).message ==
        "the ledger " + scratch.path.string() + ": table sqlite_master may not be modified");
}

TEST_CASE("a full disk is temporary, and the transaction leaves nothing") {
  const Scratch scratch;
  const Database database(scratch.path, kNoWait);
  database.run("CREATE TABLE filler (x TEXT) STRICT");
  database.run("PRAGMA max_page_count = " + std::to_string(database.number("PRAGMA page_count") + 1));
  const auto failure = failure_of([&] {
    WriteTransaction transaction(database);
    database.run("INSERT INTO filler VALUES ('first')");
    database.prepare("INSERT INTO filler VALUES (?)").bind(std::string(100000, 'x')).run();
    transaction.commit();
  });
  CHECK(failure.code == "ledger.unreachable");
  CHECK(failure.message == "the ledger " + scratch.path.string() + " cannot grow: the disk is full");
  CHECK(failure.hint == "Free some space, then try again: what was done so far is in the journal.");
  CHECK(database.number("SELECT count(*) FROM filler") == 0);
}

TEST_CASE("a transaction that is not committed leaves nothing, and the next one can begin") {
  const Scratch scratch;
  const Database database(scratch.path, kNoWait);
  database.run("CREATE TABLE filler (x TEXT) STRICT");
  {
    const WriteTransaction transaction(database);
    database.run("INSERT INTO filler VALUES ('x')");
  }
  CHECK(database.number("SELECT count(*) FROM filler") == 0);
  WriteTransaction transaction(database);
  database.run("INSERT INTO filler VALUES ('x')");
  transaction.commit();
  CHECK(database.number("SELECT count(*) FROM filler") == 1);
}

TEST_CASE("a column of the wrong type is refused") {
  const Scratch scratch;
  const Database database(scratch.path, kNoWait);
  CHECK(failure_of([&] { database.run("INSERT INTO event (serial) VALUES ('one')"); }).code == "ledger.unusable");
}

TEST_CASE("a path through a symbolic link is refused by SQLite itself") {
  const Scratch scratch;
  const auto link = scratch.directory.path() / "link.db";
  std::filesystem::create_symlink(scratch.path, link);
  const auto failure = failure_of([&] { const Database database(link, kNoWait); });
  CHECK(failure.code == "ledger.unreachable");
  CHECK(failure.message.find("the ledger " + link.string() + " cannot be written") == 0);
}

TEST_SUITE_END();

}  // namespace falsework::sqlite
