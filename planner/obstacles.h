// What stands in the way of a change: everything on a table or column that could not be carried, by name.
//
// One rule: what cannot be carried is refused at plan time; a plan never loses anything silently.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "planner/work.h"

namespace falsework {

// Why no change of ours can be made to this table at all, in words; empty when nothing stands in the way.
std::vector<std::string> table_obstacles(const pg::Table& table);

// What depends on a column and cannot be moved to its shadow.
std::vector<std::string> shadow_obstacles(const pg::Snapshot& snapshot, const TableWork& work, const ShadowPair& pair);

// Why a type cannot be changed in place although the server would not rewrite the table; empty: it can.
std::vector<std::string> in_place_obstacles(const pg::Snapshot& snapshot, const pg::Table& table,
                                            const pg::Column& column, pg::TypeChangeCost cost);

// Why the rows of a table could not be found again in an archive.
std::optional<std::string> why_no_archive(const TableWork& work);

// What a reviewer must know of a table whose rows the copy updates: its own triggers, publications, row security.
std::vector<std::string> copy_warnings(const TableWork& work, const ShadowPair* pair);

}  // namespace falsework
