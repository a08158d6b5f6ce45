// SQLite's files, which can be told to fail (sqlite.org/vfs.html).
#pragma once

#include <functional>

namespace falsework::test {

// From now on every write, sync, truncation and removal of a file by SQLite in this process is told to `when_written`,
// and the n-th fails with an I/O error, or with all that follow as a full disk. 0: none fails. Call once per process.
void watch_files(std::function<void()> when_written, int nth, bool for_good);

}  // namespace falsework::test
