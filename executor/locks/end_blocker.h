// The end of a session that keeps a step from its lock, for people who asked for it (--terminate-blockers).
//
// One rule: only who holds the lock at this very moment is ended; never a prepared transaction, never a vacuum.
#pragma once

#include <string>

#include "executor/locks/holders.h"

namespace falsework {

// Whether it is a session, and not a vacuum, and holds what is waited for.
bool may_be_ended(const Holder& holder);

// Ends it if it still holds that lock; returns what became of it, for people, or nothing when it had let go.
std::string end_blocker(pg::Session& session, const Holder& holder);

}  // namespace falsework
