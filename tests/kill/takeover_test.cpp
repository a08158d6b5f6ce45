// Two engines and one run: only one of them may act, whoever sleeps or comes late.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <csignal>

#include <fstream>

#include "tests/examples/example.h"
#include "tests/kill/program.h"
#include "tests/kill/state.h"
#include "tests/oracle/catalog_oracle.h"
#include "tests/support/wait.h"

namespace falsework::test {
namespace {

constexpr int kTryAgain = 75;

struct Ground {
  TestDatabase database{Server::any()};
  Plan plan;

  Ground() {
    const Example rename = example("01-rename-column");
    database.exec(rename.before);
    plan = plan_of(rename, snapshot_of(rename, database.url()));
  }
};

Environment hook(const std::string& fault, const std::filesystem::path& trace) {
  return {{"FALSEWORK_TEST_HOOKS", "1"}, {"FALSEWORK_FAIL", fault}, {"FALSEWORK_FAIL_TRACE", trace}};
}

// Everything that an engine could change: the user's objects and rows, and the journal.
DatabaseState everything(const TestDatabase& database) {
  Client client = database.connect_as_superuser();
  DatabaseState state = state_of(database);
  for (const std::string table : {"run", "journal", "history", "gate", "fingerprint"}) {
    state.rows["falsework." + table] = table_rows(client, "falsework." + table);
  }
  return state;
}

bool passed(const std::filesystem::path& trace, const std::string& point) {
  std::ifstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    if (line == point) return true;
  }
  return false;
}

// The command that the hint names.
std::string hinted_command(const std::string& message) {
  const std::size_t begin = message.find("SELECT pg_terminate_backend(");
  REQUIRE(begin != std::string::npos);
  return message.substr(begin, message.find(';', begin) - begin);
}

}  // namespace

TEST_SUITE("tests/kill") {
  TEST_CASE("an engine that was stopped and overtaken changes nothing more when it wakes up") {
    for (const std::string point : {"step.sql@1", "batch.updated@1", "step.committed@1", "concurrent.intent@1"}) {
      CAPTURE(point);
      const Ground ground;
      const Program program(ground.database, ground.plan);
      const auto trace = program.path("trace");
      const auto stopped = program.start(program.apply(), hook(fmt::format("{}=sleep:500", point), trace));
      REQUIRE(wait_until([&] { return passed(trace, point.substr(0, point.find('@'))); }, std::chrono::seconds(60)));
      stopped->signal(SIGSTOP);

      // It may still be alive: the next engine only says what holds the run, and how to end that.
      const ProcessResult refused = program.run(program.apply());
      CHECK(refused.status == kTryAgain);
      CHECK(refused.err.find(fmt::format("({})", stopped->pid())) != std::string::npos);
      ground.database.exec(hinted_command(refused.err));
      const ProcessResult next = program.run(program.apply());
      CHECK_MESSAGE(next.status == 0, next.err);
      const ProcessResult end = program.run(program.advance());
      CHECK_MESSAGE(end.status == 0, end.err);

      const DatabaseState before = everything(ground.database);
      stopped->signal(SIGCONT);
      const ProcessResult awake = stopped->wait();
      CHECK_MESSAGE(awake.status == kTryAgain, awake.out, awake.err);
      const std::string changed = difference(before, everything(ground.database));
      CHECK_MESSAGE(changed.empty(), changed);
    }
  }

  TEST_CASE("of two engines that start together one does the work, and the other says who does") {
    const Ground ground;
    const Program program(ground.database, ground.plan);
    // Longer than an engine waits for another to let go.
    const auto trace = program.path("trace");
    const auto one = program.start(program.apply(), hook("fence.after=sleep:8000", trace));
    const auto two = program.start(program.apply(), hook("fence.after=sleep:8000", trace));
    const ProcessResult first = one->wait();
    const ProcessResult second = two->wait();
    const bool first_won = first.status == 0;
    const ProcessResult& winner = first_won ? first : second;
    const ProcessResult& loser = first_won ? second : first;
    CHECK_MESSAGE(winner.status == 0, winner.err);
    CHECK_MESSAGE(loser.status == kTryAgain, loser.err);
    CHECK_MESSAGE(loser.err.find(fmt::format("({})", (first_won ? one : two)->pid())) != std::string::npos, loser.err);
    CHECK(program.runs() == 1);
    CHECK(ground.database.connect().value("SELECT count(*) FROM falsework.run") == "1");
    const ProcessResult end = program.run(program.advance());
    CHECK_MESSAGE(end.status == 0, end.err);
  }

  TEST_CASE("an engine that comes while another one creates the run waits for it, and never fails over it") {
    const Ground ground;
    const Program program(ground.database, ground.plan);
    // The ledger knows the run, and the journal's transaction is open.
    const auto trace = program.path("trace");
    const auto one = program.start(program.apply(), hook("start.ledger=sleep:2000", trace));
    REQUIRE(wait_until([&] { return passed(trace, "start.ledger"); }, std::chrono::seconds(60)));
    const ProcessResult second = program.run(program.apply());
    const ProcessResult first = one->wait();
    CHECK_MESSAGE((first.status == 0 || first.status == kTryAgain), first.err);
    CHECK_MESSAGE((second.status == 0 || second.status == kTryAgain), second.err);
    CHECK(program.runs() == 1);
    CHECK(program.run(program.advance()).status == 0);
  }
}

}  // namespace falsework::test
