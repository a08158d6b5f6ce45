#include "executor/backfill/ranges.h"

#include <doctest/doctest.h>

#include <map>
#include <tuple>

#include "executor/backfill/epoch.h"

using namespace falsework;

TEST_SUITE_BEGIN("executor/backfill/ranges");

TEST_CASE("every block meets every stripe once, and is verified once") {
  const CopyShape shape{4, 3, 2};
  for (const std::int64_t blocks : {0, 1, 4, 5, 11, 12, 13, 25}) {
    CAPTURE(blocks);
    std::map<std::pair<std::int64_t, int>, int> visits;
    CopyPosition position;
    int steps = 0;
    while (!is_finished(position, blocks)) {
      const BlockRange range = range_at(position, shape, blocks);
      REQUIRE(range.first < range.end);
      REQUIRE(range.end <= blocks);
      for (std::int64_t block = range.first; block < range.end; ++block) ++visits[{block, position.stripe}];
      position = after_range(position, shape, blocks);
      REQUIRE(++steps < 1000);
    }
    CHECK(visits.size() == static_cast<std::size_t>(blocks) * 3);
    for (const auto& [visit, count] : visits) CHECK(count == 1);
  }
}

TEST_CASE("a pass goes over the whole group before the next begins") {
  const CopyShape shape{4, 2, 2};
  CopyPosition position;
  std::vector<std::tuple<int, std::int64_t>> order;
  while (!is_finished(position, 8)) {
    order.emplace_back(position.stripe, range_at(position, shape, 8).first);
    position = after_range(position, shape, 8);
  }
  CHECK(order == std::vector<std::tuple<int, std::int64_t>>{{0, 0}, {0, 4}, {1, 0}, {1, 4}, {2, 0}, {2, 4}});
}

TEST_CASE("what counts as done never shrinks, and ends at the number of blocks") {
  const CopyShape shape{4, 3, 2};
  CopyPosition position;
  std::int64_t before = 0;
  while (!is_finished(position, 25)) {
    position = after_range(position, shape, 25);
    CHECK(blocks_done(position, shape, 25) >= before);
    before = blocks_done(position, shape, 25);
  }
  CHECK(before == 25);
}

TEST_CASE("bounds are tids that leave out the end") {
  CHECK(lower_tid({64, 128}) == "(64,0)");
  CHECK(upper_tid({64, 128}) == "(128,0)");
}

TEST_CASE("a cursor survives the journal") {
  CopyCursor cursor;
  cursor.table = {"16385", 4711};
  cursor.position = {2048, 3, 2112};
  cursor.rows = 99;
  cursor.rewrites = 1;
  cursor.deferred = {{0, 64}, {128, 129}};
  CHECK(parse_cursor(render_cursor(cursor)) == cursor);
  CHECK_THROWS(parse_cursor("{}"));
}

TEST_CASE("a new file of the table begins at block 0, and keeps the count of rows") {
  CopyCursor cursor;
  cursor.table = {"1", 10};
  cursor.position = {8, 1, 8};
  cursor.rows = 5;
  cursor.deferred = {{0, 1}};
  const CopyCursor fresh = begin_epoch(cursor, {"2", 12});
  CHECK(fresh.table == TableEpoch{"2", 12});
  CHECK(fresh.position == CopyPosition{});
  CHECK(fresh.rows == 5);
  CHECK(fresh.rewrites == 1);
  CHECK(fresh.deferred.empty());
}

TEST_SUITE_END();
