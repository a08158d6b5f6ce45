// What the server does, beyond what a statement says, when a column's type changes or it becomes NOT NULL.
#pragma once

#include <string>
#include <vector>

#include "postgres/catalog/snapshot.h"

namespace falsework {

// The other tables of foreign keys on the column, which the server locks as well while it rebuilds these; sorted.
std::vector<QualifiedName> key_partners(const pg::Snapshot& snapshot, const pg::Table& table,
                                        const std::string& column);

// The CHECK constraints that mention the column: where they are valid, a change of its type checks every row again.
std::vector<const pg::Constraint*> rechecked(const pg::Table& table, const std::string& column);

// Whether a valid CHECK says exactly that the column is NOT NULL: SET NOT NULL then needs no scan (PG docs,
// sql-altertable).
bool is_proven_not_null(const pg::Table& table, const std::string& column);

}  // namespace falsework
