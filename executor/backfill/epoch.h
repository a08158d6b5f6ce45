// The file that a copy's block numbers belong to, and the cursor that the journal keeps.
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

struct CopyCursor {
  TableEpoch table;
  CopyPosition position;
  std::int64_t rows = 0;
  int rewrites = 0;                  // how often the table got a new file under the copy
  std::vector<BlockRange> deferred;  // to be visited again at the end
  bool operator==(const CopyCursor&) const = default;
};

// The same copy, begun anew on the table's new file.
CopyCursor begin_epoch(const CopyCursor& cursor, const TableEpoch& table);

// As the journal keeps it: JSON, one line. Throws Error(internal) for text that is not one.
std::string render_cursor(const CopyCursor& cursor);
CopyCursor parse_cursor(const std::string& text);

}  // namespace falsework
