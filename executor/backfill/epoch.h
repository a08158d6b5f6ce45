// The file that a copy's block numbers belong to, and the cursors that the journal keeps.
//
// One rule: block numbers mean nothing in another file. VACUUM FULL, CLUSTER and every rewrite change the filenode; the
// copy then begins a new epoch at block 0, and rows that are done already are skipped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/backfill/ranges.h"
#include "postgres/session/session.h"

namespace falsework {

struct TableEpoch {
  std::string filenode;
  std::int64_t blocks = 0;
  bool operator==(const TableEpoch&) const = default;
};

// Throws Error(step.failed) for a relation that is gone or has no file of its own.
TableEpoch read_epoch(pg::Session& session, const std::string& relation);

// Of the step, in its row of the journal: written when the copy begins, when the table gets a new file, and at the end.
struct CopyCursor {
  TableEpoch table;
  int stripes = 16;
  std::int64_t rows = 0;  // copied in earlier files of the table; at the end, in all
  int rewrites = 0;       // how often the table got a new file under the copy
  bool operator==(const CopyCursor&) const = default;
};

// The same copy, begun anew on the table's new file; `rows` were copied before.
CopyCursor begin_epoch(const CopyCursor& cursor, const TableEpoch& table, std::int64_t rows);

// Of one slot: the group that it holds, and what it has set aside.
struct SlotCursor {
  GroupPosition at;
  std::vector<BlockRange> deferred;  // to be visited again at the end
  std::int64_t rows = 0;             // copied in this slot; a column of its own in the journal
  bool operator==(const SlotCursor&) const = default;
};

// As the journal keeps them: JSON, one line. Throw Error(internal) for text that is none.
std::string render_cursor(const CopyCursor& cursor);
CopyCursor parse_cursor(const std::string& text);
std::string render_slot(const SlotCursor& slot);
SlotCursor parse_slot(const std::string& text, std::int64_t rows);

}  // namespace falsework
