#include "state/postgres/copy_journal.h"

#include <doctest/doctest.h>

#include "tests/state/postgres/engine.h"

namespace falsework {

TEST_SUITE_BEGIN("state/postgres/copy_journal");

namespace {

using std::chrono::milliseconds;

// A run that an engine holds, and the journal of its copies.
struct Ground {
  Ground() : engine(database.url()) {
    engine.journal.install();
    engine.journal.create_run(test::journal_run("a-1"));
    engine.fence("a-1");
  }

  const test::TestDatabase database{test::Server::any()};
  test::Engine engine;
  CopyJournal copy{*engine.session, "a-1"};
};

}  // namespace

TEST_CASE("without anybody's word nothing is set") {
  Ground ground;
  CHECK(ground.copy.control() == CopyControl{});
}

TEST_CASE("a slot is placed and moved in a transaction, and belongs to its generation") {
  Ground ground;
  {
    pg::Transaction transaction(*ground.engine.session);
    ground.copy.place_slot("t/backfill/copy", 1, {0, "{\"next\": 0}", 0});
    const SlotMoved moved = ground.copy.move_slot("t/backfill/copy", 1, {0, "{\"next\": 64}", 99}, "falsework.meta");
    CHECK_FALSE(moved.filenode.empty());
    CHECK(moved.revision == 0);
    CHECK(moved.wal_bytes > 0);
    transaction.commit();
  }
  const auto slots = ground.copy.slots("t/backfill/copy", 1);
  REQUIRE(slots.size() == 1);
  CHECK(slots[0].position == "{\"next\": 64}");
  CHECK(slots[0].rows == 99);
  CHECK(ground.copy.slots("t/backfill/copy", 2).empty());
  ground.copy.clear_slots("t/backfill/copy");
  CHECK(ground.copy.slots("t/backfill/copy", 1).empty());
}

TEST_CASE("a pause is set once, tells who and since when, and every change raises the revision that batches see") {
  Ground ground;
  CHECK_FALSE(ground.copy.set_paused(false, "ann@host"));
  CHECK(ground.copy.set_paused(true, "ann@host"));
  CHECK_FALSE(ground.copy.set_paused(true, "bob@host"));
  const CopyControl paused = ground.copy.control();
  CHECK(paused.paused);
  CHECK(paused.paused_by == "ann@host");
  CHECK(paused.paused_since.size() == 24);
  CHECK(ground.copy.set_paused(false, "bob@host"));
  const CopyControl resumed = ground.copy.control();
  CHECK_FALSE(resumed.paused);
  CHECK(resumed.revision > paused.revision);
  CHECK(ground.database.connect().value(
            "SELECT string_agg(event || ' ' || detail, ', ' ORDER BY serial) FROM falsework.history WHERE event LIKE "
            "'copy_%'") == "copy_paused ann@host, copy_resumed bob@host");
}

TEST_CASE("limits that are set keep what was set before, and passing ones go before lasting ones until they end") {
  Ground ground;
  ground.copy.set_limits({2, 1048576, std::nullopt, std::nullopt}, std::nullopt, "ann");
  ground.copy.set_limits({std::nullopt, std::nullopt, milliseconds(3000), "SELECT false"}, std::nullopt, "ann");
  const CopyLimits lasting{2, 1048576, milliseconds(3000), "SELECT false"};
  CHECK(ground.copy.control().limits == lasting);
  ground.copy.set_limits({1, std::nullopt, std::nullopt, std::nullopt}, std::chrono::hours(2), "ann");
  CHECK(ground.copy.control().limits == CopyLimits{1, 1048576, milliseconds(3000), "SELECT false"});
  CHECK_FALSE(ground.copy.control().until.empty());
  ground.database.exec("UPDATE falsework.copy_control SET until = now() - interval '1 second' WHERE passing");
  CHECK(ground.copy.control().limits == lasting);
  CHECK(ground.copy.control().until.empty());
  // What has ended does not come back with the next passing limit.
  ground.copy.set_limits({std::nullopt, 4096, std::nullopt, std::nullopt}, std::chrono::hours(2), "ann");
  CHECK(ground.copy.control().limits == CopyLimits{2, 4096, milliseconds(3000), "SELECT false"});
}

TEST_SUITE_END();

}  // namespace falsework
