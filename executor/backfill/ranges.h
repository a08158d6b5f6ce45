// The order in which a copy visits the blocks of a table.
//
// One rule: pure. Only blocks below the number at which the copy began need a visit, so that it always ends; pass k
// visits a whole group before pass k+1, so that pruning has freed space when a page is met again.
#pragma once

#include <cstdint>
#include <string>

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

// Where a group stands: everything before it is committed.
struct GroupPosition {
  BlockRange group;
  int stripe = 0;         // equal to the number of stripes: the group is being verified; above it: done
  std::int64_t next = 0;  // first block of the next range
  bool operator==(const GroupPosition&) const = default;
};

GroupPosition begin_group(const BlockRange& group);
// The same group, to be counted from its first block on.
GroupPosition verify_group(const GroupPosition& position, int stripes);
bool is_done(const GroupPosition& position, int stripes);
bool is_verifying(const GroupPosition& position, int stripes);
// The next range, of at most `blocks` blocks; the size may differ from one range to the next.
BlockRange next_range(const GroupPosition& position, std::int64_t blocks);
// The position after that range is done.
GroupPosition after_range(const GroupPosition& position, const BlockRange& range, int stripes);

// Blocks of the group that are behind it, as a number for people: a group at work counts by its passes.
std::int64_t blocks_done(const GroupPosition& position, int stripes);

// How many stripes serve a table with so many rows in a block: never more than a block has rows.
int stripes_for(double rows_per_block);

}  // namespace falsework
