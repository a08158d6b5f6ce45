#include "executor/backfill/ranges.h"

#include <fmt/format.h>

#include <algorithm>

namespace falsework {

std::string lower_tid(const BlockRange& range) { return fmt::format("({},0)", range.first); }
std::string upper_tid(const BlockRange& range) { return fmt::format("({},0)", range.end); }

bool is_finished(const CopyPosition& position, std::int64_t blocks) { return position.group >= blocks; }

bool is_verifying(const CopyPosition& position, const CopyShape& shape) { return position.stripe >= shape.stripes; }

BlockRange group_at(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks) {
  return {position.group, std::min(blocks, position.group + shape.range_blocks * shape.group_ranges)};
}

BlockRange range_at(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks) {
  const BlockRange group = group_at(position, shape, blocks);
  return {position.next, std::min(group.end, position.next + shape.range_blocks)};
}

CopyPosition after_range(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks) {
  const BlockRange group = group_at(position, shape, blocks);
  CopyPosition after = position;
  after.next = range_at(position, shape, blocks).end;
  if (after.next < group.end) return after;
  if (is_verifying(position, shape)) return {group.end, 0, group.end};
  after.next = group.first;
  ++after.stripe;
  return after;
}

std::vector<BlockRange> ranges_of(const BlockRange& group, const CopyShape& shape) {
  std::vector<BlockRange> ranges;
  for (std::int64_t first = group.first; first < group.end; first += shape.range_blocks) {
    ranges.push_back({first, std::min(group.end, first + shape.range_blocks)});
  }
  return ranges;
}

std::int64_t blocks_done(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks) {
  if (is_finished(position, blocks)) return blocks;
  const BlockRange group = group_at(position, shape, blocks);
  const std::int64_t size = group.end - group.first;
  const std::int64_t passes = shape.stripes + 1;
  return group.first + (position.stripe * size + (position.next - group.first)) / passes;
}

}  // namespace falsework
