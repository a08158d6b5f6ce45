// Which locks a statement takes, whether it rewrites the table and whether it scans it, by server version.
//
// One rule: every answer is checked against pg_locks and pg_relation_filenode of real servers of 14–18
// (tests/postgres/locks). Sources: PG docs, sql-altertable, explicit-locking; tablecmds.c, AlterTableGetLockLevel.
#pragma once

#include <vector>

#include "postgres/locks/lock_mode.h"
#include "postgres/sql/ddl.h"

namespace falsework::pg {

struct Cost {
  std::vector<TakenLock> locks;  // strongest mode per relation, sorted by relation
  bool rewrites = false;         // a new heap file
  bool scans = false;            // reads the whole table
};

// The locks on the relations that the statement names. Most DDL locks partitions and inheriting tables in the same
// mode, and dropping a column that a foreign key uses locks the other table too: the snapshot knows of those, not the
// statement.
Cost cost_of(const Ddl& ddl, int server_major);

// The locks of several statements in one transaction: the strongest mode and the longest duration per relation.
Cost combine(const std::vector<Cost>& costs);

}  // namespace falsework::pg
