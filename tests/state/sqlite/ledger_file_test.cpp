#include "state/sqlite/ledger_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "base/file.h"
#include "state/sqlite/database.h"
#include "tests/state/ledger_file.h"
#include "tests/support/process.h"

namespace falsework {

TEST_SUITE_BEGIN("state/sqlite/ledger_file");

using test::create_sample_run;
using test::event_of;
using test::Failure;
using test::failure_of;
using test::overwrite;
using test::TemporaryDirectory;

namespace {

constexpr const char* kRun = "users_email-1a2b3c4d";
constexpr const char* kHintOtherFile = "Name another file with --state, or set FALSEWORK_STATE.";
constexpr const char* kHintRestore =
    "Move it away, then rebuild it from the journal in the database with: falsework adopt.";
constexpr const char* kHintMoved = "Put the file back, or restore it from a backup; then run the command again.";
constexpr const char* kHintPermissions = "Check the permissions of the file and of its directory, then try again.";

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

Failure opening(const std::filesystem::path& path, bool create = true) {
  return failure_of([&] { Ledger::open(path, create); });
}

// A process that runs as root passes every permission check; as nobody it does not.
class Unprivileged {
 public:
  explicit Unprivileged(const std::filesystem::path& directory) {
    if (geteuid() != 0) return;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) give(entry.path());
    give(directory);
    REQUIRE(seteuid(kNobody) == 0);
    switched_ = true;
  }
  ~Unprivileged() {
    if (switched_ && seteuid(0) != 0) abort();
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  static void give(const std::filesystem::path& path) { REQUIRE(lchown(path.c_str(), kNobody, kNobody) == 0); }
  bool switched_ = false;
};

class Umask {
 public:
  explicit Umask(mode_t mask) : previous_(umask(mask)) {}
  ~Umask() { umask(previous_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t previous_;
};

// Lets no file of this process grow past `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    REQUIRE(getrlimit(RLIMIT_FSIZE, &previous_) == 0);
    const rlimit limit{bytes, previous_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    if (setrlimit(RLIMIT_FSIZE, &previous_) != 0) abort();
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit previous_{};
};

}  // namespace

TEST_CASE("a new ledger is readable by nobody else, whatever the umask") {
  for (const mode_t mask : {mode_t{0}, mode_t{0022}, mode_t{0777}}) {
    CAPTURE(mask);
    const TemporaryDirectory directory;
    const auto inner = directory.path() / "inner";
    std::filesystem::create_directory(inner);
    const Umask scope(mask);
    const auto ledger = Ledger::open(inner / "state.db", true);
    CHECK(mode_of(inner / "state.db") == 0600);
    create_sample_run(*ledger);
    CHECK(ledger->serial() == 1);
  }
}

TEST_CASE("directories that are created for the ledger are closed to others") {
  const TemporaryDirectory directory;
  const Umask scope(0);
  Ledger::open(directory.path() / "a" / "b" / "state.db", true);
  CHECK(mode_of(directory.path() / "a") == 0700);
  CHECK(mode_of(directory.path() / "a" / "b") == 0700);
}

TEST_CASE("creating a ledger leaves nothing else beside it") {
  const TemporaryDirectory directory;
  Ledger::open(directory.path() / "state.db", true);
  int entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path())) ++entries;
  CHECK(entries == 1);
}

TEST_CASE("a ledger that is open to others is closed to them") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Ledger::open(path, true);
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  Ledger::open(path, false);
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("a ledger that is absent is an error unless one may be created") {
  const TemporaryDirectory directory;
  for (const auto& path : {directory.path() / "state.db", directory.path() / "absent" / "state.db"}) {
    const Failure failure = opening(path, false);
    CHECK(failure.code == "file.unreadable");
    CHECK(failure.message == "there is no ledger at " + path.string());
    CHECK(failure.hint == "Start a run with `falsework apply`, or name the ledger's file with --state.");
    CHECK_FALSE(std::filesystem::exists(path));
  }
}

TEST_CASE("a file that is no ledger is refused and left as it is") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const std::string name = "the ledger " + path.string();
  Failure failure;
  std::string message, hint = kHintOtherFile, content;

  SUBCASE("an empty file") {
    message = " is an empty file, not a ledger";
    hint = "Remove it to begin a new ledger, or restore a lost one from a backup.";
  }
  SUBCASE("a text") {
    content = "# notes\n";
    message = " is not a ledger: it is no SQLite file";
  }
  SUBCASE("a long text") {
    content = std::string(10000, 'x');
    message = " is not a ledger: it is no SQLite file";
  }
  write_file(path, content);
  failure = opening(path);
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == name + message);
  CHECK(failure.hint == hint);
  CHECK(read_file(path) == content);
}

TEST_CASE("a SQLite file of another program is refused and left as it is") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Ledger::open(path, true);
  overwrite(path, 68, std::string(4, '\0'));
  const std::string before = read_file(path);
  const Failure failure = opening(path);
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the ledger " + path.string() + " is not a ledger: it is a SQLite file of another program");
  CHECK(failure.hint == kHintOtherFile);
  CHECK(read_file(path) == before);
}

TEST_CASE("a ledger of a newer version is refused and names both versions") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Ledger::open(path, true);
  sqlite::Database(path, std::chrono::milliseconds(1000)).run("PRAGMA user_version = 2");
  const Failure failure = opening(path);
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message ==
        "the ledger " + path.string() + " was written by a newer version: its format is 2, this program knows 1");
  CHECK(failure.hint == "Use the newer version of Falsework that wrote it.");

  sqlite::Database(path, std::chrono::milliseconds(1000)).run("PRAGMA user_version = 0");
  CHECK(opening(path).message == "the ledger " + path.string() + " has format 0, which never was");
}

TEST_CASE("a ledger with a damaged page is refused") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  {
    const auto ledger = Ledger::open(path, true);
    create_sample_run(*ledger);
    for (int i = 0; i < 50; ++i) ledger->append(event_of(kRun, EventKind::kStepProgress, std::string(1000, 'x')));
  }
  const auto size = std::filesystem::file_size(path);
  for (const off_t page : {off_t{1}, off_t{3}, static_cast<off_t>(size / 4096) - 3}) {
    CAPTURE(page);
    const auto copy = directory.path() / "copy.db";
    std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
    overwrite(copy, page * 4096, std::string(4096, '\xA5'));
    const Failure failure = opening(copy);
    CHECK(failure.code == "ledger.unusable");
    CHECK(failure.message.find("the ledger " + copy.string() + " is corrupt: ") == 0);
    CHECK(failure.hint == kHintRestore);
  }
}

TEST_CASE("a ledger that was cut short is refused") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  create_sample_run(*Ledger::open(path, true));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  const Failure failure = opening(path);
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message.find("the ledger " + path.string() + " is corrupt: ") == 0);
}

TEST_CASE("a link, a directory or a pipe in the ledger's place is refused") {
  const TemporaryDirectory directory;
  const auto real = directory.path() / "real.db";
  const auto path = directory.path() / "state.db";
  Ledger::open(real, true);
  std::string message;
  SUBCASE("a symbolic link to a ledger") {
    std::filesystem::create_symlink(real, path);
    message = " is a symbolic link";
  }
  SUBCASE("a symbolic link to nothing, through which a file would be created") {
    std::filesystem::create_symlink(directory.path() / "nothing", path);
    message = " is a symbolic link";
  }
  SUBCASE("a hard link") {
    std::filesystem::create_hard_link(real, path);
    message = " has a second name (a hard link)";
  }
  SUBCASE("a directory") {
    std::filesystem::create_directory(path);
    message = " is a directory";
  }
  SUBCASE("a pipe") {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    message = " is not a regular file";
  }
  const Failure failure = opening(path);
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the ledger " + path.string() + message);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "nothing"));
}

TEST_CASE("a directory that is reached through a link is no obstacle") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() / "real");
  std::filesystem::create_directory_symlink(directory.path() / "real", directory.path() / "link");
  const auto ledger = Ledger::open(directory.path() / "link" / "state.db", true);
  create_sample_run(*ledger);
  CHECK(ledger->serial() == 1);
}

TEST_CASE("a path that names no file is refused") {
  const TemporaryDirectory directory;
  CHECK(opening("").message == "the ledger  names no file");
  CHECK(opening(directory.path() / "").message == "the ledger " + directory.path().string() + "/ names no file");
  CHECK(opening(directory.path() / "..").code == "ledger.unusable");
}

TEST_CASE("a directory to which everyone may write is refused, since the file could be exchanged there") {
  const TemporaryDirectory directory;
  const auto open_directory = directory.path() / "open";
  std::filesystem::create_directory(open_directory);
  REQUIRE(chmod(open_directory.c_str(), 0777) == 0);
  const Failure failure = opening(open_directory / "state.db");
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the ledger " + (open_directory / "state.db").string() + " lies in " +
                               open_directory.string() + ", to which everyone may write");
  CHECK(failure.hint == "Take that permission away with chmod o-w, or name a file elsewhere with --state.");

  REQUIRE(chmod(open_directory.c_str(), 01777) == 0);
  CHECK(Ledger::open(open_directory / "state.db", true)->serial() == 0);
}

TEST_CASE("a ledger that may not be written is unreachable, and nothing is changed") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Ledger::open(path, true);
  SUBCASE("the file") {
    std::filesystem::permissions(path, std::filesystem::perms(0400));
    const Unprivileged scope(directory.path());
    const Failure failure = opening(path);
    CHECK(failure.code == "ledger.unreachable");
    CHECK(failure.message == "the ledger " + path.string() + " cannot be written: Permission denied");
    CHECK(failure.hint == kHintPermissions);
  }
  SUBCASE("its directory, where the rollback journal goes") {
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0500));
    const Unprivileged scope(directory.path());
    const Failure failure = opening(path);
    CHECK(failure.code == "ledger.unreachable");
    CHECK(failure.message == "the ledger " + path.string() + " cannot be written: directory " +
                                 directory.path().string() + ": Permission denied");
  }
  SUBCASE("a directory in which a new one would be made") {
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0500));
    const Unprivileged scope(directory.path());
    const auto absent = directory.path() / "new" / "state.db";
    const Failure failure = opening(absent);
    CHECK(failure.code == "ledger.unreachable");
    CHECK(failure.message == "the ledger " + absent.string() + " cannot be created: directory " +
                                 (directory.path() / "new").string() + ": Permission denied");
  }
  std::filesystem::permissions(directory.path(), std::filesystem::perms(0700));
}

TEST_CASE("a ledger that another process has locked is unreachable for now") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const auto ledger = Ledger::open(path, true);
  create_sample_run(*ledger);
  const sqlite::Database other(path, std::chrono::milliseconds(0));
  {
    const sqlite::WriteTransaction holder(other);
    const Failure failure = failure_of([&] { ledger->append(event_of(kRun, EventKind::kStepIntent)); });
    CHECK(failure.code == "ledger.unreachable");
    CHECK(failure.message == "the ledger " + path.string() + " is locked by another process");
    CHECK(failure.hint == "Wait until the other process has ended, then try again.");
  }
  CHECK(ledger->append(event_of(kRun, EventKind::kStepIntent)).serial == 2);
}

TEST_CASE("a ledger that was removed or replaced while it was open takes nothing more") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const auto ledger = Ledger::open(path, true);
  create_sample_run(*ledger);
  SUBCASE("removed") { std::filesystem::remove(path); }
  SUBCASE("moved") { std::filesystem::rename(path, directory.path() / "moved.db"); }
  SUBCASE("replaced by a copy of itself") {
    std::filesystem::copy_file(path, directory.path() / "copy.db");
    std::filesystem::rename(directory.path() / "copy.db", path);
  }
  SUBCASE("replaced by a link to itself") {
    std::filesystem::rename(path, directory.path() / "moved.db");
    std::filesystem::create_symlink(directory.path() / "moved.db", path);
  }
  SUBCASE("replaced by an empty file") {
    std::filesystem::remove(path);
    write_file(path, "");
  }
  const Failure failure = failure_of([&] { ledger->append(event_of(kRun, EventKind::kStepIntent)); });
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the ledger " + path.string() + " was moved, replaced or removed while it was open");
  CHECK(failure.hint == kHintMoved);
  CHECK(failure_of([&] { ledger->events(kRun); }).code == "ledger.unusable");
  CHECK(failure_of([&] { create_sample_run(*ledger, "b-1"); }).code == "ledger.unusable");
}

TEST_CASE("SQLite's own look at the file is the second line of defence") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Ledger::open(path, true);
  const sqlite::Database database(path, std::chrono::milliseconds(0));
  database.run("PRAGMA synchronous = FULL");
  std::filesystem::remove(path);
  CHECK_FALSE(database.in_place());
  const Failure failure = failure_of([&] { database.run("PRAGMA user_version = 5"); });
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the ledger " + path.string() + " was moved, replaced or removed while it was open");
}

TEST_CASE("a quota that is used up leaves the ledger as it was, and room lets it go on") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const auto ledger = Ledger::open(path, true);
  create_sample_run(*ledger);
  {
    const FileSizeLimit limit(std::filesystem::file_size(path) + 1000);
    const Failure failure =
        failure_of([&] { ledger->append(event_of(kRun, EventKind::kStepIntent, std::string(100000, 'x'))); });
    CHECK(failure.code == "ledger.unreachable");
    CHECK(failure.message.find("the ledger " + path.string() + " cannot be read or written") == 0);
    CHECK(failure.hint == "Check the disk and its quota, then try again: what was done so far is in the journal.");
  }
  CHECK(ledger->serial() == 1);
  CHECK(ledger->append(event_of(kRun, EventKind::kStepIntent, std::string(100000, 'x'))).serial == 2);
  CHECK(Ledger::open(path, false)->verify_chain().empty());
}

TEST_CASE("a quota that leaves no room for a ledger leaves nothing behind") {
  const TemporaryDirectory directory;
  {
    const FileSizeLimit limit(8192);
    CHECK(opening(directory.path() / "state.db").code == "ledger.unreachable");
  }
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_SUITE_END();

}  // namespace falsework
