// The soak: random walks for a time. scripts/soak.sh runs it for hours; the test command, for some seconds.
//
// FALSEWORK_SOAK_SECONDS=N, FALSEWORK_SOAK_SEED=S, FALSEWORK_SOAK_VERSION=V.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "tests/faults/surroundings.h"
#include "tests/faults/walk.h"
#include "tests/support/process.h"

namespace falsework::test {
namespace {

constexpr long kUsualSeconds = 6;

long setting(const char* variable, long otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr || *value == '\0' ? otherwise : std::stol(value);
}

}  // namespace

TEST_SUITE("faults/soak") {
  TEST_CASE("the checker of lists sees each planted violation, and nothing where there is none") {
    using Fate = TokenLog::Fate;
    const auto log = [](TokenLog& tokens) {
      tokens.note(1, "o.1", Fate::kAcknowledged);
      tokens.note(1, "o.2", Fate::kAcknowledged);
      tokens.note(1, "n.1", Fate::kInDoubt);
      tokens.note(2, "n.2", Fate::kRefused);
      // A token that begins as another one is another one.
      tokens.note(2, "o.11", Fate::kAcknowledged);
    };
    struct Case {
      const char* what;
      std::string one, two;
      bool fine;
    };
    const Case cases[] = {{"all is there", "seed,o.1,o.2", "seed,o.11", true},
                          {"what was in doubt took place", "seed,o.1,n.1,o.2", "seed,o.11", true},
                          {"one is lost", "seed,o.2", "seed,o.11", false},
                          {"one is there twice", "seed,o.1,o.2,o.2", "seed,o.11", false},
                          {"what was in doubt is there twice", "seed,o.1,n.1,n.1,o.2", "seed,o.11", false},
                          {"the order is lost", "seed,o.2,o.1", "seed,o.11", false},
                          {"what was refused is there", "seed,o.1,o.2", "seed,n.2,o.11", false},
                          {"one is in another row", "seed,o.1", "seed,o.2,o.11", false},
                          {"nobody wrote it", "seed,o.1,o.2,x.9", "seed,o.11", false}};
    for (const Case& c : cases) {
      CAPTURE(c.what);
      TokenLog tokens;
      log(tokens);
      CHECK(tokens.judge({{1, c.one}, {2, c.two}}).empty() == c.fine);
    }
    TokenLog tokens;
    tokens.mishap("a client met 40P01");
    CHECK_FALSE(tokens.judge({}).empty());
  }

  TEST_CASE("a random walk of changes, faults, resumes and rollbacks loses no write and leaves nothing behind") {
    const auto seed = static_cast<std::uint32_t>(setting("FALSEWORK_SOAK_SEED", std::time(nullptr)));
    const long version = setting("FALSEWORK_SOAK_VERSION", 0);
    Server& server = version == 0 ? Server::any() : Server::of(static_cast<int>(version));
    fmt::print("soak of PostgreSQL {}: seed {}\n", server.major(), seed);
    const TemporaryDirectory directory;
    Walk walk(server, seed, directory.path());
    const auto begun = std::chrono::steady_clock::now();
    const auto end = begun + std::chrono::seconds(setting("FALSEWORK_SOAK_SECONDS", kUsualSeconds));
    std::string problem;
    try {
      while (problem.empty() && std::chrono::steady_clock::now() < end) problem = walk.step();
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (!problem.empty()) {
      for (const std::string& decision : walk.decisions()) problem += "\n  " + decision;
    }
    CHECK_MESSAGE(problem.empty(), "seed ", seed, ": ", problem);
    const WalkCounts& counts = walk.counts();
    fmt::print(
        "{} s, {} changes of which {} rolled back, {} acknowledged writes, {} kills, {} terminated backends, {} "
        "crashes "
        "of the server, {} faults of the ledger; seed {}\n",
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count(),
        counts.changes, counts.rollbacks, counts.acknowledged, counts.kills, counts.terminations, counts.crashes,
        counts.ledger_faults, seed);
    CHECK(counts.changes > 0);
    CHECK(counts.acknowledged > 0);
  }
}

}  // namespace falsework::test
