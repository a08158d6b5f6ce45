#include "postgres/locks/lock_mode.h"

#include <array>
#include <cstddef>

namespace falsework::pg {

namespace {

struct Mode {
  std::string_view name;
  std::string_view sql;
  std::string_view blocks;
  unsigned conflicts;  // a bit per mode, weakest first
};

// PG docs, explicit-locking, table 13.2. Autovacuum takes SHARE UPDATE EXCLUSIVE.
constexpr std::array<Mode, 8> kModes = {{
    {"AccessShareLock", "ACCESS SHARE", "nothing", 0b10000000},
    {"RowShareLock", "ROW SHARE", "nothing", 0b11000000},
    {"RowExclusiveLock", "ROW EXCLUSIVE", "nothing", 0b11110000},
    {"ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE", "DDL, vacuum", 0b11111000},
    {"ShareLock", "SHARE", "writes, DDL", 0b11101100},
    {"ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE", "writes, DDL", 0b11111100},
    {"ExclusiveLock", "EXCLUSIVE", "writes, DDL", 0b11111110},
    {"AccessExclusiveLock", "ACCESS EXCLUSIVE", "reads, writes, DDL", 0b11111111},
}};

constexpr std::array<std::string_view, 5> kDurations = {"moment", "scan", "build", "rewrite", "batch"};

const Mode& row(LockMode mode) { return kModes[static_cast<std::size_t>(mode)]; }

}  // namespace

std::string_view name(LockMode mode) { return row(mode).name; }

std::string_view sql(LockMode mode) { return row(mode).sql; }

std::optional<LockMode> parse_lock_mode(std::string_view name) {
  for (std::size_t i = 0; i < kModes.size(); ++i) {
    if (kModes[i].name == name || kModes[i].sql == name) return static_cast<LockMode>(i);
  }
  return std::nullopt;
}

bool conflicts(LockMode a, LockMode b) { return (row(a).conflicts >> static_cast<unsigned>(b) & 1U) != 0; }

std::string_view blocks(LockMode mode) { return row(mode).blocks; }

std::string_view name(LockDuration duration) { return kDurations[static_cast<std::size_t>(duration)]; }

std::optional<LockDuration> parse_lock_duration(std::string_view name) {
  for (std::size_t i = 0; i < kDurations.size(); ++i) {
    if (kDurations[i] == name) return static_cast<LockDuration>(i);
  }
  return std::nullopt;
}

}  // namespace falsework::pg
