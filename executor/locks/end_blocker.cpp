#include "executor/locks/end_blocker.h"

#include <fmt/format.h>

#include "base/identifier.h"

namespace falsework {

bool may_be_ended(const Holder& holder) {
  return holder.pid != 0 && !holder.autovacuum && !holder.to_prevent_wraparound && !holder.waits;
}

std::string end_blocker(pg::Session& session, const Holder& holder) {
  try {
    // In one statement, so that nobody who has just come by that process id is ended.
    const pg::Rows rows = session.query(
        "SELECT pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks AS l WHERE l.pid = $1::integer "
        "AND l.pid <> pg_catalog.pg_backend_pid() AND l.granted AND l.locktype = 'relation' AND l.mode = $3 "
        "AND l.relation = pg_catalog.to_regclass($2) AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d "
        "WHERE d.datname = pg_catalog.current_database()) LIMIT 1",
        {std::to_string(holder.pid), holder.relation, holder.mode});
    if (rows.empty()) return {};
    return "ended: " + describe(holder);
  } catch (const pg::SqlError& error) {
    if (pg::classify_sqlstate(error.sqlstate()) != pg::SqlClass::kInsufficientPrivilege) throw;
    const std::string role = session.query("SELECT current_user").text(0, 0);
    return fmt::format("{} may not end pid {}: a superuser can let it with GRANT pg_signal_backend TO {};", role,
                       holder.pid, quote_identifier(role));
  }
}

}  // namespace falsework
