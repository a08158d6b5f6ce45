// A ledger that cannot be used: each fault has its code, its exit code and its words, and the database stays as it is.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/cli/workspace.h"
#include "tests/support/wait.h"

namespace falsework::test {

namespace {

constexpr int kRefused = 3;
constexpr int kTryAgain = 75;

std::filesystem::path ledger(const Workspace& place) { return place.path(".falsework/state.db"); }

// A run that waits at its first gate.
void begin(const Workspace& place) {
  place.make_users();
  place.plan();
  REQUIRE(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
}

std::string columns(const Workspace& place) {
  return place.database().connect().value(
      "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum "
      "> "
      "0 AND NOT attisdropped");
}

// All that an engine could have written, and what it could have changed.
std::string database_state(const Workspace& place) {
  Client client = place.database().connect();
  std::string all;
  for (const std::string table : {"falsework.run", "falsework.journal", "falsework.history", "falsework.gate",
                                  "falsework.fingerprint", "users"}) {
    all += client.value("SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM " + table + " AS t");
  }
  return all + columns(place);
}

void sqlite(const Workspace& place, const std::string& script) {
  place.write("change.py", "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n" + script);
  const ProcessResult result = run_process({"python3", place.path("change.py").string(), ledger(place).string()});
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
}

void overwrite(const std::filesystem::path& file, std::streamoff at, const std::string& bytes) {
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(at);
  stream << bytes;
}

}  // namespace

TEST_SUITE("engine/cli/ledger_faults") {
  TEST_CASE("a ledger that cannot be used is refused with its own code, and nothing is done in the database") {
    struct Case {
      const char* fault;
      void (*make)(const Workspace&);
      int status;
      const char* code;
      const char* words;
    };
    const Case cases[] = {
        {"corrupt", [](const Workspace& place) { overwrite(ledger(place), 4096, std::string(4000, '\xA5')); }, kRefused,
         "ledger.unusable", " is corrupt: "},
        {"cut short", [](const Workspace& place) { std::filesystem::resize_file(ledger(place), 5000); }, kRefused,
         "ledger.unusable", " is corrupt: "},
        {"empty", [](const Workspace& place) { std::filesystem::resize_file(ledger(place), 0); }, kRefused,
         "ledger.unusable", " is an empty file, not a ledger"},
        {"of a newer version", [](const Workspace& place) { sqlite(place, "c.execute('PRAGMA user_version = 99')\n"); },
         kRefused, "ledger.unusable", " was written by a newer version: its format is 99"},
        {"of another program",
         [](const Workspace& place) { sqlite(place, "c.execute('PRAGMA application_id = 17')\n"); }, kRefused,
         "ledger.unusable", " is not a ledger: it is a SQLite file of another program"},
        {"without its triggers",
         [](const Workspace& place) { sqlite(place, "c.execute('DROP TRIGGER event_delete')\n"); }, kRefused,
         "ledger.unusable", " was altered: its tables or triggers are not ours"},
        {"of somebody else's run",
         [](const Workspace& place) {
           std::filesystem::remove(ledger(place));
           const TestDatabase elsewhere(Server::any());
           elsewhere.exec("CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL)");
           REQUIRE(place.run({"plan", "declaration.sql", "-d", elsewhere.url(), "-o", "other.json"}).status == 0);
           REQUIRE(place.run({"apply", "other.json", "--yes", "-q", "-d", elsewhere.url()}).status == 0);
         },
         kRefused, "database.foreign", " belongs to "},
    };
    for (const Case& c : cases) {
      CAPTURE(c.fault);
      const Workspace place;
      begin(place);
      c.make(place);
      const std::string before = database_state(place);
      for (const std::vector<std::string>& command :
           {std::vector<std::string>{"advance", "users_email", "--release", "2026.12", "--yes", "-q"},
            std::vector<std::string>{"rollback", "users_email", "--yes", "-q"}}) {
        const Json error = place.json(command, c.status).at("error");
        CHECK(error.at("code") == c.code);
        CHECK(error.at("message").get<std::string>().find(c.words) != std::string::npos);
        CHECK(!error.at("hint").get<std::string>().empty());
      }
      CHECK(database_state(place) == before);
    }
  }

  TEST_CASE("a ledger that another process has locked is waited for, and then nothing is done") {
    const Workspace place;
    begin(place);
    place.write("lock.py",
                "import sqlite3, sys, time\nc = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                "c.execute('BEGIN EXCLUSIVE')\nprint('locked', flush=True)\ntime.sleep(60)\n");
    Process holder({"python3", place.path("lock.py").string(), ledger(place).string()});
    REQUIRE(wait_until([&] { return holder.out().find("locked") != std::string::npos; }));
    const std::string before = database_state(place);
    const Json error = place.json({"advance", "--release", "2026.12", "--yes", "-q"}, kTryAgain).at("error");
    CHECK(error.at("code") == "ledger.unreachable");
    CHECK(error.at("message").get<std::string>().find(" is locked by another process") != std::string::npos);
    CHECK(database_state(place) == before);
    holder.signal(9);
    holder.wait();
    CHECK(place.run({"advance", "--release", "2026.12", "--yes", "-q", "-d", place.url()}).status == 0);
  }

  TEST_CASE("a ledger that has no room for an intent stops the step before anything is sent, and room lets it go on") {
    const Workspace place;
    begin(place);
    const std::string before = columns(place);
    // Of the file only its first page may be written: what a full disk or a used-up quota does.
    const std::string command = fmt::format("ulimit -f 4; exec '{}' rollback users_email --yes -q --json -d '{}'",
                                            FALSEWORK_PROGRAM, place.url());
    ProcessOptions options;
    options.directory = place.path("");
    const ProcessResult full = run_process({"bash", "-c", command}, options);
    CAPTURE(full.out);
    CAPTURE(full.err);
    REQUIRE(full.status == kTryAgain);
    CHECK(Json::parse(full.out).at("error").at("code") == "ledger.unreachable");
    // All but who held the run is as it was.
    CHECK(place.database().connect().value("SELECT count(*) FROM falsework.journal WHERE state = 'undone'") == "0");
    CHECK(columns(place) == before);
    CHECK(place.json({"rollback", "users_email", "--yes", "-q"}).at("results").at(0).at("outcome") == "rolled_back");
  }

  TEST_CASE(
      "a ledger that is replaced while a run goes on takes nothing more, and the run stops before its next step") {
    const Workspace place;
    place.make_users();
    place.plan();
    const auto engine = place.start({"apply", "plan.json", "--yes", "-q", "--json", "-d", place.url()},
                                    {{"FALSEWORK_TEST_HOOKS", "1"},
                                     {"FALSEWORK_FAIL", "backfill.begin=sleep:3000"},
                                     {"FALSEWORK_FAIL_TRACE", place.path("trace").string()}});
    REQUIRE(wait_until([&] { return place.read("trace").find("backfill.begin") != std::string::npos; },
                       std::chrono::seconds(60)));
    std::filesystem::copy_file(ledger(place), place.path("copy.db"));
    std::filesystem::rename(place.path("copy.db"), ledger(place));
    const ProcessResult stopped = engine->wait();
    CAPTURE(stopped.out);
    CHECK(stopped.status == kRefused);
    CHECK(Json::parse(stopped.out).at("error").at("code") == "ledger.unusable");
    CHECK(place.database().connect().value("SELECT count(*) FROM falsework.journal WHERE step LIKE '%/validate/%'") ==
          "0");
    // The copy has every event that the journal knows of.
    CHECK(place.run({"apply", "plan.json", "--yes", "-q", "-d", place.url()}).status == 0);
  }

  TEST_CASE("a ledger that may not be written is temporary, and nothing is done") {
    const Workspace place;
    begin(place);
    const std::string before = database_state(place);
    // As root nothing but the file system itself refuses to write.
    const ProcessResult marked = run_process({"chattr", "+i", ledger(place).string()});
    if (marked.status != 0) {
      MESSAGE("the file system knows no immutable files: not tried");
      return;
    }
    const ProcessResult refused =
        place.run({"advance", "--release", "2026.12", "--yes", "-q", "--json", "-d", place.url()});
    run_process({"chattr", "-i", ledger(place).string()});
    CHECK(refused.status == kTryAgain);
    CHECK(Json::parse(refused.out).at("error").at("code") == "ledger.unreachable");
    CHECK(database_state(place) == before);
  }
}

}  // namespace falsework::test
