// Identity columns: their sequence belongs to the column for life, so the new column gets one of its own that goes on
// where the old one stands.
#pragma once

#include <vector>

#include "planner/work.h"
#include "postgres/sql/ddl.h"

namespace falsework {

// Before the old column is dropped: the identity, its privileges, its position.
std::vector<pg::Ddl> move_identity(const pg::Table& table, const ShadowPair& pair);

// After it: the sequence's own name.
std::vector<pg::Ddl> finish_identity(const ShadowPair& pair);

// Undoes both, where the old column is there again.
std::vector<pg::Ddl> return_identity(const pg::Table& table, const ShadowPair& pair);

// A serial's sequence that counts within the old type goes on within a wider one: ALTER COLUMN TYPE would leave it
// behind, and nextval would fail where the old type ended.
std::vector<pg::Ddl> widen_sequence(const ShadowPair& pair);
std::vector<pg::Ddl> narrow_sequence(const ShadowPair& pair);

}  // namespace falsework
