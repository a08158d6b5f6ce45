#include "executor/place.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/error_kinds.h"

namespace falsework {

std::unique_ptr<pg::Session> open_session(const ExecutorOptions& options, pg::DatabaseIdentity& identity) {
  std::unique_ptr<pg::Session> session = pg::connect(options.connection);
  identity = pg::identify(*session);
  if (identity.in_recovery) {
    throw Error(errors::kDatabaseForeign, fmt::format("the server of {} is a standby", identity.database),
                "Connect to the primary.");
  }
  if (identity.superuser && !options.allow_superuser) {
    throw Error(errors::kSuperuserRefused, fmt::format("{} is a superuser", identity.user),
                "Connect as the role that owns the tables; a superuser would run their owner's triggers as superuser. "
                "To do so nevertheless, add --allow-superuser.");
  }
  return session;
}

std::string where(pg::Session& session, const pg::DatabaseIdentity& identity) {
  const pg::Rows rows = session.query(
      "SELECT coalesce(pg_catalog.host(pg_catalog.inet_server_addr()), 'local'), "
      "coalesce(pg_catalog.inet_server_port()::text, pg_catalog.current_setting('port'))");
  return fmt::format("{}@{}:{}/{}", identity.user, rows.text(0, 0), rows.text(0, 1), identity.database);
}

std::string actor_of(const ExecutorOptions& options) { return fmt::format("{} ({})", options.actor, getpid()); }

bool is_same_database(const RunRecord& run, const pg::DatabaseIdentity& identity) {
  return run.database_oid == identity.database_oid &&
         (run.system_identifier.empty() || identity.system_identifier.empty() ||
          run.system_identifier == identity.system_identifier);
}

void require_same_database(const RunRecord& run, const pg::DatabaseIdentity& identity, const std::string& here) {
  if (is_same_database(run, identity)) return;
  throw Error(errors::kDatabaseForeign,
              fmt::format("run {} belongs to {}, and this is {}", run.run, run.database, here),
              "Connect to the database that the run was begun in.");
}

}  // namespace falsework
