// cost_of: one function per kind of statement. Measured on servers of 14 to 18 (tests/postgres/locks/cost_test.cpp).
#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <type_traits>

#include "postgres/locks/locks.h"
#include "postgres/sql/syntax.h"

namespace falsework::pg {

namespace {

using enum LockMode;

Cost lock(const QualifiedName& relation, LockMode mode, LockDuration duration = LockDuration::kMoment) {
  return {{{relation.display(), mode, duration}}, false, false};
}

Cost with(Cost cost, const QualifiedName& relation, LockMode mode, LockDuration duration = LockDuration::kMoment) {
  cost.locks.push_back({relation.display(), mode, duration});
  return cost;
}

Cost scanning(Cost cost) {
  cost.scans = true;
  return cost;
}

Cost nothing() { return {}; }

LockDuration scan_if(bool scans) { return scans ? LockDuration::kScan : LockDuration::kMoment; }

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

Cost cost_one(const LockTables& ddl) {
  Cost cost;
  for (const QualifiedName& table : ddl.tables) cost = with(std::move(cost), table, ddl.mode);
  return cost;
}

// Columns.
Cost cost_one(const AddColumn& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const DropColumn& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const RenameColumn& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const AlterColumnType& ddl) {
  Cost cost = lock(ddl.table, kAccessExclusive, ddl.rewrites ? LockDuration::kRewrite : scan_if(ddl.scans));
  cost.rewrites = ddl.rewrites;
  cost.scans = ddl.scans || ddl.rewrites;
  return cost;
}
Cost cost_one(const SetDefault& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const DropDefault& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const SetNotNull& ddl) {
  Cost cost = lock(ddl.table, kAccessExclusive, scan_if(ddl.scans));
  cost.scans = ddl.scans;
  return cost;
}
Cost cost_one(const DropNotNull& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const SetStorage& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const SetCompression& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const SetStatisticsTarget& ddl) { return lock(ddl.table, kShareUpdateExclusive); }
Cost cost_one(const SetColumnOptions& ddl) { return lock(ddl.table, kShareUpdateExclusive); }
Cost cost_one(const AddIdentity& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const DropIdentity& ddl) { return lock(ddl.table, kAccessExclusive); }

// Constraints.
Cost cost_one(const AddCheck& ddl) {
  Cost cost = lock(ddl.table, kAccessExclusive, scan_if(!ddl.not_valid));
  cost.scans = !ddl.not_valid;
  return cost;
}
Cost cost_one(const AddNotNullConstraint& ddl) {
  Cost cost = lock(ddl.table, kAccessExclusive, scan_if(!ddl.not_valid));
  cost.scans = !ddl.not_valid;
  return cost;
}
Cost cost_one(const AddForeignKey& ddl) {
  const LockDuration duration = scan_if(!ddl.not_valid);
  Cost cost = with(lock(ddl.table, kShareRowExclusive, duration), ddl.references, kShareRowExclusive, duration);
  cost.scans = !ddl.not_valid;
  return cost;
}
Cost cost_one(const AddUniqueUsingIndex& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const ValidateConstraint& ddl) {
  Cost cost = scanning(lock(ddl.table, kShareUpdateExclusive, LockDuration::kScan));
  return ddl.references ? with(std::move(cost), *ddl.references, kRowShare, LockDuration::kScan) : cost;
}
Cost cost_one(const DropConstraint& ddl) {
  Cost cost = lock(ddl.table, kAccessExclusive);
  return ddl.references ? with(std::move(cost), *ddl.references, kAccessExclusive) : cost;
}
Cost cost_one(const RenameConstraint& ddl) { return lock(ddl.table, kAccessExclusive); }

// Indexes.
Cost cost_one(const CreateIndex& ddl) {
  return scanning(lock(ddl.table, ddl.concurrently ? kShareUpdateExclusive : kShare, LockDuration::kBuild));
}
Cost cost_one(const DropIndex& ddl) {
  return lock(ddl.table, ddl.concurrently ? kShareUpdateExclusive : kAccessExclusive);
}
Cost cost_one(const RenameIndex&) { return nothing(); }
Cost cost_one(const SetIndexStatistics&) { return nothing(); }
Cost cost_one(const SetReplicaIdentity& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const ClusterOn& ddl) { return lock(ddl.table, kShareUpdateExclusive); }

// Functions, triggers and views.
Cost cost_one(const CreateTriggerFunction&) { return nothing(); }
Cost cost_one(const DropFunction&) { return nothing(); }
Cost cost_one(const CreateTrigger& ddl) { return lock(ddl.table, kShareRowExclusive); }
Cost cost_one(const DropTrigger& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const ReplaceTrigger& ddl) {
  const bool dropped_first = starts_with(ddl.definition, "CREATE CONSTRAINT TRIGGER");
  return lock(ddl.table, dropped_first ? kAccessExclusive : kShareRowExclusive);
}
Cost cost_one(const CreateView& ddl) {
  Cost cost = lock(ddl.view, kAccessExclusive);
  for (const QualifiedName& relation : relations_of(ddl.query)) cost = with(std::move(cost), relation, kAccessShare);
  return cost;
}
Cost cost_one(const DropView& ddl) { return lock(ddl.view, kAccessExclusive); }

// What rides on objects. Comments on functions, indexes, sequences and types, and owners of them, lock no table.
bool names_one_of(std::string_view object, std::initializer_list<std::string_view> kinds) {
  return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) { return starts_with(object, kind); });
}
Cost cost_one(const Comment& ddl) {
  if (names_one_of(ddl.object, {"TABLE ", "COLUMN ", "VIEW ", "MATERIALIZED VIEW "})) {
    return lock(ddl.relation, kShareUpdateExclusive);
  }
  if (names_one_of(ddl.object, {"CONSTRAINT ", "TRIGGER ", "POLICY "})) return lock(ddl.relation, kAccessShare);
  return nothing();
}
Cost cost_one(const Grant& ddl, int server_major) {
  const bool locks = server_major >= 18 && !ddl.relation.name.empty();
  return locks ? lock(ddl.relation, kAccessShare) : nothing();
}
Cost cost_one(const AlterOwner& ddl) {
  const bool locks = names_one_of(ddl.object, {"TABLE ", "VIEW ", "MATERIALIZED VIEW "});
  return locks ? lock(ddl.relation, kAccessExclusive) : nothing();
}
Cost cost_one(const AlterPolicy& ddl) { return lock(ddl.table, kAccessExclusive); }
Cost cost_one(const CreateStatistics& ddl) { return lock(ddl.table, kShareUpdateExclusive); }
Cost cost_one(const RenameStatistics&) { return nothing(); }
Cost cost_one(const DropStatistics& ddl) { return lock(ddl.table, kShareUpdateExclusive); }
Cost cost_one(const SetStatisticsObjectTarget&) { return nothing(); }
// Whoever holds a counter of ours holds its table, which is locked before.
Cost cost_one(const CreateCounter&) { return nothing(); }
Cost cost_one(const DropSequence&) { return nothing(); }
Cost cost_one(const SequenceOwnedBy& ddl) { return ddl.column ? lock(ddl.table, kAccessShare) : nothing(); }
Cost cost_one(const RenameSequence&) { return nothing(); }
Cost cost_one(const AlterSequence&) { return nothing(); }
Cost cost_one(const CopySequencePosition&) { return nothing(); }
Cost cost_one(const Analyze& ddl) { return lock(ddl.table, kShareUpdateExclusive, LockDuration::kScan); }
Cost cost_one(const Vacuum& ddl) { return scanning(lock(ddl.table, kShareUpdateExclusive, LockDuration::kScan)); }

// Archives: tables and functions of ours alone; nobody else meets a lock on them.
Cost cost_one(const CreateArchive& ddl) { return lock(ddl.table, kAccessShare); }
Cost cost_one(const FillArchive& ddl) { return scanning(lock(ddl.table, kAccessShare, LockDuration::kScan)); }
Cost cost_one(const RequireFreshArchive&) { return nothing(); }
Cost cost_one(const DropArchive&) { return nothing(); }
Cost cost_one(const CreateArchiveLookup&) { return nothing(); }
Cost cost_one(const DropArchiveLookup&) { return nothing(); }
Cost cost_one(const RestoreColumns& ddl) {
  Cost cost = scanning(lock(ddl.table, kAccessExclusive, LockDuration::kRewrite));
  cost.rewrites = true;
  return cost;
}

void merge(std::vector<TakenLock>& locks, const TakenLock& taken) {
  const auto same = std::find_if(locks.begin(), locks.end(),
                                 [&](const TakenLock& other) { return other.relation == taken.relation; });
  if (same == locks.end()) {
    locks.push_back(taken);
  } else {
    same->mode = std::max(same->mode, taken.mode);
    same->duration = std::max(same->duration, taken.duration);
  }
}

}  // namespace

Cost cost_of(const Ddl& ddl, int server_major) {
  const auto cost = [&](const auto& kind) {
    if constexpr (std::is_same_v<std::decay_t<decltype(kind)>, Grant>) {
      return cost_one(kind, server_major);
    } else {
      return cost_one(kind);
    }
  };
  return combine({std::visit(cost, ddl)});
}

Cost combine(const std::vector<Cost>& costs) {
  Cost result;
  for (const Cost& cost : costs) {
    for (const TakenLock& taken : cost.locks) merge(result.locks, taken);
    result.rewrites |= cost.rewrites;
    result.scans |= cost.scans;
  }
  std::sort(result.locks.begin(), result.locks.end(),
            [](const TakenLock& a, const TakenLock& b) { return a.relation < b.relation; });
  return result;
}

}  // namespace falsework::pg
