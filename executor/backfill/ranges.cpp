#include "executor/backfill/ranges.h"

#include <fmt/format.h>

#include <algorithm>

namespace falsework {

namespace {

constexpr int kMostStripes = 16;

}  // namespace

std::string lower_tid(const BlockRange& range) { return fmt::format("({},0)", range.first); }
std::string upper_tid(const BlockRange& range) { return fmt::format("({},0)", range.end); }

GroupPosition begin_group(const BlockRange& group) { return {group, 0, group.first}; }

GroupPosition verify_group(const GroupPosition& position, int stripes) {
  return {position.group, stripes, position.group.first};
}

bool is_done(const GroupPosition& position, int stripes) {
  return position.stripe > stripes || position.group.first >= position.group.end;
}

bool is_verifying(const GroupPosition& position, int stripes) { return position.stripe == stripes; }

BlockRange next_range(const GroupPosition& position, std::int64_t blocks) {
  return {position.next, std::min(position.group.end, position.next + std::max<std::int64_t>(1, blocks))};
}

GroupPosition after_range(const GroupPosition& position, const BlockRange& range, int stripes) {
  GroupPosition after = position;
  after.next = range.end;
  if (after.next < position.group.end) return after;
  after.next = position.group.first;
  after.stripe = std::min(stripes, position.stripe) + 1;
  return after;
}

std::int64_t blocks_done(const GroupPosition& position, int stripes) {
  const std::int64_t size = position.group.end - position.group.first;
  if (is_done(position, stripes)) return size;
  return (position.stripe * size + (position.next - position.group.first)) / (stripes + 1);
}

int stripes_for(double rows_per_block) {
  int stripes = kMostStripes;
  while (stripes > 1 && rows_per_block > 0 && stripes > rows_per_block) stripes /= 2;
  return stripes;
}

}  // namespace falsework
