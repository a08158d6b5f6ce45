#include "postgres/locks/lock_mode.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "tests/support/server.h"

TEST_SUITE_BEGIN("postgres/locks/lock_mode");

namespace falsework::pg {
namespace {

constexpr std::array<LockMode, 8> kModes = {
    LockMode::kAccessShare, LockMode::kRowShare,          LockMode::kRowExclusive, LockMode::kShareUpdateExclusive,
    LockMode::kShare,       LockMode::kShareRowExclusive, LockMode::kExclusive,    LockMode::kAccessExclusive};

}  // namespace

TEST_CASE("two modes conflict exactly when the server refuses to give both") {
  const test::TestDatabase database(test::Server::any());
  database.exec("CREATE TABLE t ()");
  test::Client one = database.connect();
  test::Client two = database.connect();
  for (const LockMode a : kModes) {
    for (const LockMode b : kModes) {
      CAPTURE(name(a));
      CAPTURE(name(b));
      one.exec("BEGIN; LOCK TABLE t IN " + std::string(sql(a)) + " MODE");
      two.exec("BEGIN");
      const bool refused = two.sqlstate_of("LOCK TABLE t IN " + std::string(sql(b)) + " MODE NOWAIT") == "55P03";
      one.exec("ROLLBACK");
      two.exec("ROLLBACK");
      CHECK(conflicts(a, b) == refused);
    }
  }
}

TEST_CASE("a mode is read back from either spelling, and what it blocks is said") {
  for (const LockMode mode : kModes) {
    CHECK(parse_lock_mode(name(mode)) == mode);
    CHECK(parse_lock_mode(sql(mode)) == mode);
  }
  CHECK_FALSE(parse_lock_mode("access exclusive"));
  CHECK_FALSE(parse_lock_mode(""));
  CHECK(blocks(LockMode::kAccessShare) == "nothing");
  CHECK(blocks(LockMode::kShareUpdateExclusive) == "DDL, vacuum");
  CHECK(blocks(LockMode::kShare) == "writes, DDL");
  CHECK(blocks(LockMode::kAccessExclusive) == "reads, writes, DDL");
}

TEST_CASE("a duration is read back from its name") {
  for (const LockDuration duration : {LockDuration::kMoment, LockDuration::kScan, LockDuration::kBuild,
                                      LockDuration::kRewrite, LockDuration::kBatch}) {
    CHECK(parse_lock_duration(name(duration)) == duration);
  }
  CHECK_FALSE(parse_lock_duration("forever"));
}

}  // namespace falsework::pg

TEST_SUITE_END();
