// Where a run is carried on, and by whom: the session, the identity of its database, the engine's own name.
//
// One rule: a run is carried on in the database that it was begun in, and nowhere else.
#pragma once

#include <memory>
#include <string>

#include "executor/executor.h"
#include "postgres/session/session.h"
#include "state/ledger.h"

namespace falsework {

// Connects. Throws Error(database.foreign) for a standby, Error(role.superuser) unless that is allowed.
std::unique_ptr<pg::Session> open_session(const ExecutorOptions& options, pg::DatabaseIdentity& identity);

// user@host:port/database, as a ledger calls it.
std::string where(pg::Session& session, const pg::DatabaseIdentity& identity);

// user@host (pid)
std::string actor_of(const ExecutorOptions& options);

bool is_same_database(const RunRecord& run, const pg::DatabaseIdentity& identity);
// Throws Error(database.foreign).
void require_same_database(const RunRecord& run, const pg::DatabaseIdentity& identity, const std::string& here);

}  // namespace falsework
