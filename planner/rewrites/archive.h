// The archive of a table's old columns: values are kept before they go, and given back by a rollback.
//
// One rule: a row gets its archived old value only while its new value is, to the byte, what it was when it was
// archived; any other row gets the old value that its new one maps to, as the dual write would have given it.
#pragma once

#include <vector>

#include "planner/draft.h"
#include "planner/rewrites/rewrites.h"

namespace falsework {

// The table of ours that holds the values; its key by the names that the columns have in the end.
QualifiedName archive_name(const Work& work, const pg::Table& table);

std::vector<std::string> archive_key(const TableWork& table);

// contract: begins the archive, and fills it. For tables with pairs.
Step begin_archive(const Draft& draft, const TableWork& table);
Step fill_archive(const Draft& draft, const TableWork& table);

// Fails when the old shape was written since the archive was begun.
pg::Ddl require_fresh_archive(const Work& work, const TableWork& table);

// What undoes the end of the old shape of `tables`, whose keys lead to no other: the state between switch and contract.
// `keys` are the foreign keys whose old form went with them.
std::vector<pg::Ddl> restore_shapes(const Draft& draft, const std::vector<const TableWork*>& tables,
                                    const std::vector<MovedKey>& keys);

}  // namespace falsework
