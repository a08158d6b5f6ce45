// Reads a snapshot from a server, in one REPEATABLE READ, READ ONLY transaction.
//
// One rule: only what is relevant is read: the tables that are asked for, and what hangs on them.
#pragma once

#include <vector>

#include "postgres/catalog/snapshot.h"
#include "postgres/session/session.h"

namespace falsework::pg {

// Which tables: those named, and everything that is tied to them by foreign keys in either direction (transitively),
// inheritance, partitions and views; or, when empty, all tables of all schemas but the system's and `falsework`.
// A name without a schema is looked up in the role's own search_path (not the session's pinned one).
struct Scope {
  std::vector<QualifiedName> tables;  // schema may be empty
};

// Names that do not exist are simply absent from the snapshot: who asked says so.
Snapshot introspect(Session& session, const Scope& scope);

}  // namespace falsework::pg
