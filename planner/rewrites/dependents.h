// Views, policies and triggers that name a column: how they are moved to the column that takes its name.
//
// One rule: their definitions are never edited. At the switch the new column bears the old one's name for a moment, and
// the definitions are executed as the server spelled them; names are put right afterwards.
#pragma once

#include <vector>

#include "planner/work.h"
#include "postgres/sql/ddl.h"

namespace falsework {

// Views that read one of the columns, and every view that reads such a view; readers after what they read.
std::vector<const pg::View*> dependent_views(const pg::Snapshot& snapshot, const pg::Table& table,
                                             const std::vector<std::string>& columns);

// Statements that drop the views (readers first), and that create them again with everything that belongs to them.
std::vector<pg::Ddl> drop_views(const std::vector<const pg::View*>& views);
std::vector<pg::Ddl> create_views(const std::vector<const pg::View*>& views);

// Those of `views` that read one of the columns themselves.
std::vector<const pg::View*> readers_of(const std::vector<const pg::View*>& views, const pg::Table& table,
                                        const std::vector<std::string>& columns);

// Locks the views, readers first. Clients lock a view before the tables that it reads, so we must too: in the other
// order both would wait for each other until our lock timeout.
std::vector<pg::Ddl> lock_views(const std::vector<const pg::View*>& views);

// CREATE OR REPLACE VIEW, where types stay, so that nothing else is touched.
std::vector<pg::Ddl> replace_views(const std::vector<const pg::View*>& views);

// Policies and triggers of the table that name one of the columns, executed anew.
std::vector<pg::Ddl> replay_policies_and_triggers(const pg::Table& table, const std::vector<std::string>& columns);

}  // namespace falsework
