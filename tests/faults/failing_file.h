// SQLite's files, which can be told to fail (sqlite.org/vfs.html).
#pragma once

#include <functional>

namespace falsework::test {

// From now on `counts` is asked, for every write, sync, truncation and removal of a file by SQLite in this process,
// whether it counts; the n-th that does fails with an I/O error, or with all that follow as a full disk. 0: none fails.
// Call once per process.
void watch_files(std::function<bool()> counts, int nth, bool for_good);

}  // namespace falsework::test
