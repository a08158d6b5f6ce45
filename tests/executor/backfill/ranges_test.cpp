#include "executor/backfill/ranges.h"

#include <doctest/doctest.h>

#include <map>
#include <tuple>
#include <vector>

#include "executor/backfill/epoch.h"

namespace falsework {

TEST_SUITE_BEGIN("executor/backfill/ranges");

TEST_CASE("every block of a group meets every stripe once and is verified once, whatever the sizes of the ranges") {
  constexpr int kStripes = 2;
  for (const std::int64_t blocks : {1, 4, 5, 11, 12, 13, 25}) {
    CAPTURE(blocks);
    std::map<std::pair<std::int64_t, int>, int> visits;
    GroupPosition position = begin_group({100, 100 + blocks});
    int steps = 0;
    while (!is_done(position, kStripes)) {
      const BlockRange range = next_range(position, 1 + steps % 5);
      REQUIRE(range.first < range.end);
      REQUIRE(range.end <= 100 + blocks);
      for (std::int64_t block = range.first; block < range.end; ++block) ++visits[{block, position.stripe}];
      position = after_range(position, range, kStripes);
      REQUIRE(++steps < 1000);
    }
    CHECK(visits.size() == static_cast<std::size_t>(blocks) * 3);
    for (const auto& [visit, count] : visits) CHECK(count == 1);
  }
}

TEST_CASE("a pass goes over the whole group before the next begins") {
  GroupPosition position = begin_group({0, 8});
  std::vector<std::tuple<int, std::int64_t>> order;
  while (!is_done(position, 2)) {
    const BlockRange range = next_range(position, 4);
    order.emplace_back(position.stripe, range.first);
    position = after_range(position, range, 2);
  }
  CHECK(order == std::vector<std::tuple<int, std::int64_t>>{{0, 0}, {0, 4}, {1, 0}, {1, 4}, {2, 0}, {2, 4}});
}

TEST_CASE("what counts as done never shrinks, and ends at the number of blocks") {
  GroupPosition position = begin_group({0, 25});
  std::int64_t before = 0;
  while (!is_done(position, 2)) {
    position = after_range(position, next_range(position, 4), 2);
    CHECK(blocks_done(position, 2) >= before);
    before = blocks_done(position, 2);
  }
  CHECK(before == 25);
}

TEST_CASE("a group without blocks is done") { CHECK(is_done(GroupPosition{}, 16)); }

TEST_CASE("there are never more stripes than rows in a block") {
  CHECK(stripes_for(0) == 16);  // nobody knows
  CHECK(stripes_for(57) == 16);
  CHECK(stripes_for(9.5) == 8);
  CHECK(stripes_for(1) == 1);
  CHECK(stripes_for(0.2) == 1);
}

TEST_CASE("bounds are tids that leave out the end") {
  CHECK(lower_tid({64, 128}) == "(64,0)");
  CHECK(upper_tid({64, 128}) == "(128,0)");
}

TEST_CASE("cursors survive the journal") {
  CopyCursor cursor;
  cursor.table = {"16385", 4711};
  cursor.stripes = 8;
  cursor.rows = 99;
  cursor.rewrites = 1;
  CHECK(parse_cursor(render_cursor(cursor)) == cursor);
  CHECK_THROWS(parse_cursor("{}"));
  SlotCursor slot;
  slot.at = {{2048, 4096}, 3, 2112};
  slot.deferred = {{0, 64}, {128, 129}};
  slot.rows = 7;
  CHECK(parse_slot(render_slot(slot), 7) == slot);
  CHECK_THROWS(parse_slot("{}", 0));
}

TEST_CASE("a new file of the table begins at block 0, and keeps the count of rows") {
  CopyCursor cursor;
  cursor.table = {"1", 10};
  cursor.rows = 5;
  const CopyCursor fresh = begin_epoch(cursor, {"2", 12}, 9);
  CHECK(fresh.table == TableEpoch{"2", 12});
  CHECK(fresh.rows == 9);
  CHECK(fresh.rewrites == 1);
}

TEST_SUITE_END();

}  // namespace falsework
