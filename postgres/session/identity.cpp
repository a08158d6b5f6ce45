#include "postgres/session/session.h"

namespace falsework::pg {

DatabaseIdentity identify(Session& session) {
  const Rows rows = session.query(
      "SELECT d.datname, d.oid, current_user, r.rolsuper, pg_catalog.pg_is_in_recovery(), "
      "pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') "
      "FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r "
      "WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user");
  DatabaseIdentity identity;
  identity.database = rows.text(0, 0);
  identity.database_oid = rows.text(0, 1);
  identity.user = rows.text(0, 2);
  identity.superuser = rows.boolean(0, 3);
  identity.in_recovery = rows.boolean(0, 4);
  // In a statement of its own: the server checks the privilege even where a CASE never calls the function.
  if (rows.boolean(0, 5)) {
    identity.system_identifier =
        session.query("SELECT system_identifier FROM pg_catalog.pg_control_system()").text(0, 0);
  }
  return identity;
}

}  // namespace falsework::pg
