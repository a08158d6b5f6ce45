#include "tests/faults/failing_file.h"

#include <sqlite3.h>

#include <new>
#include <stdexcept>

namespace falsework::test {

namespace {

struct Watch {
  std::function<bool()> counts;
  int nth = 0;
  bool for_good = false;
  int count = 0;
  sqlite3_vfs* real = nullptr;
};

Watch& watch() {
  static Watch instance;
  return instance;
}

// SQLITE_OK, or what this operation fails with.
int judge(int failure) {
  Watch& w = watch();
  const bool counted = w.counts();
  if (counted) ++w.count;
  if (w.nth == 0 || w.count < w.nth) return SQLITE_OK;
  if (w.for_good) return SQLITE_FULL;
  return counted && w.count == w.nth ? failure : SQLITE_OK;
}

// The real file lies behind this one, in the same allocation.
struct File {
  sqlite3_file base;
  sqlite3_file* real;
};

sqlite3_file* real_of(sqlite3_file* file) { return reinterpret_cast<File*>(file)->real; }

int close_file(sqlite3_file* f) { return real_of(f)->pMethods->xClose(real_of(f)); }
int read_file(sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
  return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}
int write_to(sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
  const int verdict = judge(SQLITE_IOERR_WRITE);
  return verdict != SQLITE_OK ? verdict : real_of(f)->pMethods->xWrite(real_of(f), from, n, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  const int verdict = judge(SQLITE_IOERR_TRUNCATE);
  return verdict != SQLITE_OK ? verdict : real_of(f)->pMethods->xTruncate(real_of(f), size);
}
int sync_file(sqlite3_file* f, int flags) {
  const int verdict = judge(SQLITE_IOERR_FSYNC);
  // What a full disk cannot do to a sync, a broken one can.
  return verdict != SQLITE_OK ? SQLITE_IOERR_FSYNC : real_of(f)->pMethods->xSync(real_of(f), flags);
}
int size_of(sqlite3_file* f, sqlite3_int64* size) { return real_of(f)->pMethods->xFileSize(real_of(f), size); }
int lock_file(sqlite3_file* f, int level) { return real_of(f)->pMethods->xLock(real_of(f), level); }
int unlock_file(sqlite3_file* f, int level) { return real_of(f)->pMethods->xUnlock(real_of(f), level); }
int check_lock(sqlite3_file* f, int* held) { return real_of(f)->pMethods->xCheckReservedLock(real_of(f), held); }
int control(sqlite3_file* f, int op, void* with) { return real_of(f)->pMethods->xFileControl(real_of(f), op, with); }
int sector(sqlite3_file* f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
int traits(sqlite3_file* f) { return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f)); }

const sqlite3_io_methods kMethods = {1,         close_file,  read_file,  write_to, truncate_file, sync_file, size_of,
                                     lock_file, unlock_file, check_lock, control,  sector,        traits,    nullptr,
                                     nullptr,   nullptr,     nullptr,    nullptr,  nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* f, int flags, int* out) {
  auto* file = reinterpret_cast<File*>(f);
  file->real = reinterpret_cast<sqlite3_file*>(file + 1);
  sqlite3_vfs* const real = watch().real;
  if (real == nullptr) return SQLITE_CANTOPEN;
  const int result = real->xOpen(real, path, file->real, flags, out);
  file->base.pMethods = file->real->pMethods == nullptr ? nullptr : &kMethods;
  return result;
}

int remove_file(sqlite3_vfs*, const char* path, int sync) {
  const int verdict = judge(SQLITE_IOERR_DELETE);
  sqlite3_vfs* const real = watch().real;
  return verdict != SQLITE_OK || real == nullptr ? SQLITE_IOERR_DELETE : real->xDelete(real, path, sync);
}

}  // namespace

void watch_files(std::function<bool()> counts, int nth, bool for_good) {
  Watch& w = watch();
  w.counts = std::move(counts);
  w.nth = nth;
  w.for_good = for_good;
  w.real = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs watched = *w.real;
  watched.zName = "watched";
  watched.szOsFile += static_cast<int>(sizeof(File));
  watched.xOpen = open_file;
  watched.xDelete = remove_file;
  if (sqlite3_vfs_register(&watched, 1) != SQLITE_OK) throw std::runtime_error("cannot watch SQLite's files");
}

}  // namespace falsework::test
