#include "state/ledger.h"

#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "base/hash.h"
#include "state/sqlite/database.h"
#include "tests/state/ledger_file.h"
#include "tests/support/process.h"
#include "tests/support/wait.h"

namespace falsework {

TEST_SUITE_BEGIN("state/ledger");

using test::create_sample_run;
using test::event_of;
using test::failure_of;
using test::sample_run;
using test::TemporaryDirectory;

namespace {

constexpr const char* kRun = "users_email-1a2b3c4d";

// What a vandal with a SQLite shell would do.
void tamper(const std::filesystem::path& path, const std::vector<std::string>& statements) {
  const sqlite::Database database(path, std::chrono::milliseconds(1000));
  for (const std::string& sql : statements) database.run(sql);
}

// Runs `act` in a process of its own, which ends without running anything of ours; returns its process id.
template <typename Act>
pid_t in_child(Act act) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int status = 0;
    try {
      act();
    } catch (...) {
      status = 1;
    }
    _exit(status);
  }
  return child;
}

int end_of(pid_t child) {
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("a ledger is created when it is asked for, with a lineage that it keeps") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const std::string lineage = Ledger::open(path, true)->lineage();
  CHECK(lineage.size() == 36);
  CHECK(Ledger::open(path, true)->lineage() == lineage);
  CHECK(Ledger::open(path, false)->lineage() == lineage);
  CHECK(Ledger::open(path, false)->path() == path);
  CHECK(Ledger::open(path, false)->serial() == 0);
  CHECK(Ledger::open(directory.path() / "other.db", true)->lineage() != lineage);
}

TEST_CASE("a run and its first event come back as they were stored") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Event created = event_of(kRun, EventKind::kRunCreated, "users_email");
  Ledger::open(path, true)->create_run(sample_run(), created);

  const auto ledger = Ledger::open(path, false);
  CHECK(ledger->find_run(kRun) == sample_run());
  CHECK(ledger->find_run("other-00000000") == std::nullopt);
  const std::vector<Event> events = ledger->events(kRun);
  REQUIRE(events.size() == 1);
  created.serial = 1;
  created.previous_hash = sha256(ledger->lineage());
  created.hash = hash_of(created);
  CHECK(events[0] == created);
}

TEST_CASE("runs are listed oldest first") {
  const TemporaryDirectory directory;
  const auto ledger = Ledger::open(directory.path() / "state.db", true);
  for (const char* run : {"b-1", "a-2", "c-0"}) create_sample_run(*ledger, run);
  const std::vector<RunRecord> runs = ledger->runs();
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].run == "b-1");
  CHECK(runs[1].run == "a-2");
  CHECK(runs[2].run == "c-0");
}

TEST_CASE("an event comes back with every field, the empty and the odd ones too") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const auto ledger = Ledger::open(path, true);
  create_sample_run(*ledger);
  Event event = event_of(kRun, EventKind::kStepFailed, std::string("Größe\n'x'; \0--", 16));
  event.step = "users.\"e mail\"/backfill/copy";
  event.generation = 3;
  event.epoch = 9007199254740993U;
  event.rows = 0;
  event.duration_ms = 86400000;
  event.sqlstate = "40P01";

  const Event stored = ledger->append(event);

  CHECK(stored.serial == 2);
  CHECK(stored.previous_hash == ledger->events(kRun)[0].hash);
  CHECK(stored.hash == hash_of(stored));
  CHECK(Ledger::open(path, false)->events(kRun).at(1) == stored);
  event.serial = stored.serial;
  event.previous_hash = stored.previous_hash;
  event.hash = stored.hash;
  CHECK(stored == event);
}

TEST_CASE("serials count through all runs, and each run sees its own events") {
  const TemporaryDirectory directory;
  const auto ledger = Ledger::open(directory.path() / "state.db", true);
  create_sample_run(*ledger, "a-1");
  create_sample_run(*ledger, "b-2");
  ledger->append(event_of("a-1", EventKind::kRunPaused));
  ledger->append(event_of("b-2", EventKind::kRunDone));
  CHECK(ledger->serial() == 4);
  REQUIRE(ledger->events("a-1").size() == 2);
  CHECK(ledger->events("a-1")[1].serial == 3);
  CHECK(ledger->events("b-2")[1].serial == 4);
  CHECK(ledger->events("c-3").empty());
  CHECK(ledger->verify_chain().empty());
}

TEST_CASE("a run that is there already is not created again, and leaves no event") {
  const TemporaryDirectory directory;
  const auto ledger = Ledger::open(directory.path() / "state.db", true);
  create_sample_run(*ledger);
  const auto failure = failure_of([&] { create_sample_run(*ledger); });
  CHECK(failure.code == "object.exists");
  CHECK(failure.message == "run users_email-1a2b3c4d is in the ledger already");
  CHECK(failure.hint == "See what it has done with `falsework history`.");
  CHECK(ledger->serial() == 1);
}

TEST_CASE("an event of a run that was never created is refused") {
  const TemporaryDirectory directory;
  const auto ledger = Ledger::open(directory.path() / "state.db", true);
  const auto failure = failure_of([&] { ledger->append(event_of("ghost-1", EventKind::kStepIntent)); });
  CHECK(failure.code == "run.unknown");
  CHECK(failure.message == "the ledger has no run ghost-1");
  CHECK(failure.hint == "List the runs with `falsework status`.");
  CHECK(ledger->serial() == 0);
}

TEST_CASE("what was recorded can be neither changed nor deleted nor replaced") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  create_sample_run(*Ledger::open(path, true));
  struct Case {
    const char* sql;
    const char* refusal;
  };
  for (const Case& c :
       {Case{"UPDATE event SET detail = 'x'", "an event is never changed"},
        Case{"DELETE FROM event", "an event is never deleted"},
        Case{"INSERT OR REPLACE INTO event SELECT serial, run, 'run_done', step, generation, epoch, at, actor, rows, "
             "duration_ms, sqlstate, detail, previous_hash, hash FROM event",
             "an event is appended, never replaced"},
        Case{"UPDATE run SET plan_text = ''", "a run is never changed"},
        Case{"DELETE FROM run", "a run is never deleted"},
        Case{"INSERT OR REPLACE INTO run SELECT position, run, 'x', plan_digest, plan_text, database, "
             "system_identifier, database_oid, incarnation, created_at, created_by FROM run",
             "a run is recorded once"},
        Case{"UPDATE ledger SET lineage = 'x'", "the lineage is never changed"},
        Case{"DELETE FROM ledger", "the lineage is never deleted"},
        Case{"INSERT OR REPLACE INTO ledger VALUES (1, 'x', 'x', 'x')", "a ledger has one lineage"}}) {
    CAPTURE(c.sql);
    const auto failure = failure_of([&] { tamper(path, {c.sql}); });
    CHECK(failure.message == "the ledger " + path.string() + ": " + c.refusal);
  }
  CHECK(Ledger::open(path, false)->verify_chain().empty());
  CHECK(Ledger::open(path, false)->find_run(kRun) == sample_run());
}

TEST_CASE("a ledger whose triggers were taken away is refused") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  Ledger::open(path, true);
  tamper(path, {"DROP TRIGGER event_update"});
  const auto failure = failure_of([&] { Ledger::open(path, true); });
  CHECK(failure.code == "ledger.unusable");
  CHECK(failure.message == "the ledger " + path.string() + " was altered: its tables or triggers are not ours");
}

TEST_CASE("the chain of hashes tells which event was changed, removed or exchanged") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const auto ledger = Ledger::open(path, true);
  create_sample_run(*ledger);
  for (int i = 0; i < 4; ++i) ledger->append(event_of(kRun, EventKind::kStepProgress, std::to_string(i)));
  REQUIRE(ledger->verify_chain().empty());
  const std::vector<Event> events = ledger->events(kRun);

  SUBCASE("changed") {
    tamper(path, {"DROP TRIGGER event_update", "UPDATE event SET detail = '9' WHERE serial = 3"});
    CHECK(ledger->verify_chain() == std::vector<std::string>{"event 3 was changed"});
  }
  SUBCASE("removed") {
    tamper(path, {"DROP TRIGGER event_delete", "DELETE FROM event WHERE serial IN (2, 3)"});
    CHECK(ledger->verify_chain() ==
          std::vector<std::string>{"events 2 to 3 are missing", "event 4 does not follow the one before it"});
  }
  SUBCASE("stamped anew") {
    Event forged = events[2];
    forged.detail = "9";
    tamper(path, {"DROP TRIGGER event_update",
                  "UPDATE event SET detail = '9', hash = '" + hash_of(forged) + "' WHERE serial = 3"});
    CHECK(ledger->verify_chain() == std::vector<std::string>{"event 4 does not follow the one before it"});
  }
  SUBCASE("taken from another ledger") {
    const auto other = Ledger::open(directory.path() / "other.db", true);
    create_sample_run(*other);
    CHECK(other->events(kRun)[0].previous_hash != events[0].previous_hash);
  }
}

TEST_CASE("two processes that append at the same time make one chain without a gap") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  create_sample_run(*Ledger::open(path, true));
  constexpr int kEach = 40;
  const auto append_all = [&](const std::string& who) {
    const auto ledger = Ledger::open(path, false);
    for (int i = 0; i < kEach; ++i) ledger->append(event_of(kRun, EventKind::kStepProgress, who));
  };
  const pid_t child = in_child([&] { append_all("child"); });
  append_all("parent");
  REQUIRE(end_of(child) == 0);

  const auto ledger = Ledger::open(path, false);
  CHECK(ledger->serial() == 2 * kEach + 1);
  CHECK(ledger->verify_chain().empty());
  CHECK(ledger->events(kRun).size() == 2 * kEach + 1);
}

TEST_CASE("two processes that create the same ledger end with one of them") {
  for (int round = 0; round < 10; ++round) {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "new" / "state.db";
    const pid_t child = in_child([&] { create_sample_run(*Ledger::open(path, true), "child-1"); });
    create_sample_run(*Ledger::open(path, true), "parent-1");
    REQUIRE(end_of(child) == 0);
    CHECK(Ledger::open(path, false)->runs().size() == 2);
    CHECK(Ledger::open(path, false)->verify_chain().empty());
  }
}

TEST_CASE("a process that is killed while it appends loses nothing that it was told is stored") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "state.db";
  const auto acknowledged = directory.path() / "acknowledged";
  create_sample_run(*Ledger::open(path, true));
  for (int round = 0; round < 8; ++round) {
    const pid_t child = in_child([&] {
      const auto ledger = Ledger::open(path, false);
      const int file = open(acknowledged.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      while (true) {
        const Event stored = ledger->append(event_of(kRun, EventKind::kStepProgress, std::string(5000, 'x')));
        const std::string line = stored.hash + "\n";
        if (write(file, line.data(), line.size()) < 0) _exit(1);
      }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(60 + 7 * round));
    kill(child, SIGKILL);
    CHECK(WIFSIGNALED(end_of(child)));
  }

  const auto ledger = Ledger::open(path, false);
  CHECK(ledger->verify_chain().empty());
  std::string stored;
  for (const Event& event : ledger->events(kRun)) stored += event.hash + "\n";
  const int file = open(acknowledged.c_str(), O_RDONLY);
  REQUIRE(file >= 0);
  std::string hash(65, '\0');
  int count = 0;
  while (read(file, hash.data(), hash.size()) == 65) {
    ++count;
    CHECK(stored.find(hash) != std::string::npos);
  }
  close(file);
  CHECK(count > 0);
}

TEST_SUITE_END();

}  // namespace falsework
