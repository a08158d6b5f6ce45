// The order in which a copy visits the blocks of a table.
//
// One rule: pure. Only blocks below the number at which the copy began need a visit, so that it always ends; pass k
// visits every range of a group before pass k+1, so that pruning has freed space when a page is met again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace falsework {

// Blocks [first, end).
struct BlockRange {
  std::int64_t first = 0, end = 0;
  bool operator==(const BlockRange&) const = default;
};

inline constexpr std::int64_t kPastLastBlock = 4294967294;  // MaxBlockNumber of PostgreSQL

// The bounds as tids: '(first,0)' and '(end,0)'.
std::string lower_tid(const BlockRange& range);
std::string upper_tid(const BlockRange& range);

struct CopyShape {
  std::int64_t range_blocks = 64;
  std::int64_t group_ranges = 32;
  int stripes = 16;
};

// Where a copy stands: everything before it is committed.
struct CopyPosition {
  std::int64_t group = 0;  // first block of the group at work
  int stripe = 0;          // equal to the number of stripes: the group is being verified
  std::int64_t next = 0;   // first block of the next range
  bool operator==(const CopyPosition&) const = default;
};

bool is_finished(const CopyPosition& position, std::int64_t blocks);
bool is_verifying(const CopyPosition& position, const CopyShape& shape);
BlockRange group_at(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks);
BlockRange range_at(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks);
// The position after the range at this one is done.
CopyPosition after_range(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks);
// The ranges of a group, in order.
std::vector<BlockRange> ranges_of(const BlockRange& group, const CopyShape& shape);

// Blocks that a copy has behind it, as a number for people: a group at work counts by its passes.
std::int64_t blocks_done(const CopyPosition& position, const CopyShape& shape, std::int64_t blocks);

}  // namespace falsework
