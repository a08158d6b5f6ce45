#include <fmt/format.h>

#include "base/error.h"
#include "postgres/sql/render_ddl.h"
#include "postgres/sql/syntax.h"

namespace falsework::pg {

// Rendered once more, so that the name and CONCURRENTLY are those of the value, whatever the definition says.
std::string render_one(const CreateIndex& ddl) {
  return rewrite_index(ddl.definition, ddl.index.name, ddl.concurrently, {});
}

std::string render_one(const DropIndex& ddl) {
  return fmt::format("DROP INDEX {}{}", ddl.concurrently ? "CONCURRENTLY " : "", ddl.index.sql());
}

std::string render_one(const RenameIndex& ddl) {
  return fmt::format("ALTER INDEX {} RENAME TO {}", ddl.index.sql(), quote_identifier(ddl.to));
}

std::string render_one(const SetIndexStatistics& ddl) {
  return fmt::format("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}", ddl.index.sql(), ddl.column, ddl.target);
}

std::string render_one(const SetReplicaIdentity& ddl) {
  switch (ddl.kind) {  // pg_class.relreplident
    case 'd': return alter_table(ddl.table, "REPLICA IDENTITY DEFAULT");
    case 'f': return alter_table(ddl.table, "REPLICA IDENTITY FULL");
    case 'n': return alter_table(ddl.table, "REPLICA IDENTITY NOTHING");
    case 'i': return alter_table(ddl.table, "REPLICA IDENTITY USING INDEX " + quote_identifier(ddl.index));
    default: fail_check("a letter of a replica identity", __FILE__, __LINE__);
  }
}

std::string render_one(const ClusterOn& ddl) {
  return alter_table(ddl.table, ddl.index ? "CLUSTER ON " + quote_identifier(*ddl.index) : "SET WITHOUT CLUSTER");
}

}  // namespace falsework::pg
