// PostgreSQL's table-level lock modes, weakest first, and what each blocks (PG docs, explicit-locking).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace falsework::pg {

enum class LockMode {
  kAccessShare,
  kRowShare,
  kRowExclusive,
  kShareUpdateExclusive,
  kShare,
  kShareRowExclusive,
  kExclusive,
  kAccessExclusive,
};

std::string_view name(LockMode mode);                            // `AccessExclusiveLock`, as in pg_locks
std::string_view sql(LockMode mode);                             // `ACCESS EXCLUSIVE`, as in LOCK TABLE
std::optional<LockMode> parse_lock_mode(std::string_view name);  // either spelling
bool conflicts(LockMode a, LockMode b);
// What other sessions cannot do meanwhile: `reads, writes, DDL`, `writes, DDL`, `DDL, vacuum`, `nothing`.
std::string_view blocks(LockMode mode);

// How long a lock is held, as a class: a moment, or as long as a scan, build or rewrite of the table takes.
enum class LockDuration { kMoment, kScan, kBuild, kRewrite, kBatch };
std::string_view name(LockDuration duration);  // moment, scan, build, rewrite, batch
std::optional<LockDuration> parse_lock_duration(std::string_view name);

// A lock that a statement takes on a table, view or materialized view (indexes, sequences and system catalogs are not
// listed: their locks follow). The strongest mode per relation.
struct TakenLock {
  std::string relation;  // QualifiedName::display()
  LockMode mode = LockMode::kAccessShare;
  LockDuration duration = LockDuration::kMoment;
  bool operator==(const TakenLock&) const = default;
};

}  // namespace falsework::pg
