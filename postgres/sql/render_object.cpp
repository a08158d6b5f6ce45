#include <fmt/format.h>

#include "postgres/sql/render_ddl.h"

namespace falsework::pg {

std::string render_one(const LockTables& ddl) {
  std::string tables;
  for (const QualifiedName& table : ddl.tables) tables += (tables.empty() ? "" : ", ") + table.sql();
  return fmt::format("LOCK TABLE {} IN {} MODE", tables, sql(ddl.mode));
}

std::string render_one(const Comment& ddl) {
  return fmt::format("COMMENT ON {} IS {}", ddl.object, ddl.text ? quote_literal(*ddl.text) : "NULL");
}

std::string render_one(const Grant& ddl) { return ddl.statement; }

std::string render_one(const AlterOwner& ddl) {
  return fmt::format("ALTER {} OWNER TO {}", ddl.object, quote_identifier(ddl.owner));
}

std::string render_one(const AlterPolicy& ddl) {
  std::string result = fmt::format("ALTER POLICY {} ON {}", quote_identifier(ddl.name), ddl.table.sql());
  if (ddl.using_expression) result += fmt::format(" USING ({})", *ddl.using_expression);
  if (ddl.check_expression) result += fmt::format(" WITH CHECK ({})", *ddl.check_expression);
  return result;
}

std::string render_one(const CreateStatistics& ddl) { return ddl.definition; }

std::string render_one(const RenameStatistics& ddl) {
  return fmt::format("ALTER STATISTICS {} RENAME TO {}", ddl.statistics.sql(), quote_identifier(ddl.to));
}

std::string render_one(const DropStatistics& ddl) { return fmt::format("DROP STATISTICS {}", ddl.statistics.sql()); }

std::string render_one(const SetStatisticsObjectTarget& ddl) {
  return fmt::format("ALTER STATISTICS {} SET STATISTICS {}", ddl.statistics.sql(), ddl.target);
}

std::vector<std::string> render_one(const CreateCounter& ddl) {
  // Default privileges may have given more: with UPDATE on it, anybody could set it back.
  return {fmt::format("CREATE SEQUENCE {} AS bigint CACHE 1", ddl.sequence.sql()),
          fmt::format("REVOKE ALL ON SEQUENCE {} FROM PUBLIC", ddl.sequence.sql()),
          fmt::format("GRANT USAGE ON SEQUENCE {} TO PUBLIC", ddl.sequence.sql())};
}

std::string render_one(const DropSequence& ddl) { return fmt::format("DROP SEQUENCE {}", ddl.sequence.sql()); }

std::string render_one(const SequenceOwnedBy& ddl) {
  const std::string owner = ddl.column ? ddl.table.sql() + "." + quote_identifier(*ddl.column) : "NONE";
  return fmt::format("ALTER SEQUENCE {} OWNED BY {}", ddl.sequence.sql(), owner);
}

std::string render_one(const RenameSequence& ddl) {
  return fmt::format("ALTER SEQUENCE {} RENAME TO {}", ddl.sequence.sql(), quote_identifier(ddl.to));
}

std::string render_one(const AlterSequence& ddl) {
  return fmt::format("ALTER SEQUENCE {} {}", ddl.sequence.sql(), ddl.options);
}

std::string render_one(const CopySequencePosition& ddl) {
  return fmt::format("SELECT pg_catalog.setval({}::pg_catalog.regclass, last_value, is_called) FROM {}",
                     quote_literal(ddl.to.sql()), ddl.from.sql());
}

std::string render_one(const Analyze& ddl) {
  return fmt::format("ANALYZE {}{}", ddl.table.sql(),
                     ddl.columns.empty() ? std::string() : fmt::format(" ({})", quote_identifiers(ddl.columns)));
}

// Cutting the file takes ACCESS EXCLUSIVE (PG docs, sql-vacuum, TRUNCATE).
std::string render_one(const Vacuum& ddl) { return fmt::format("VACUUM (TRUNCATE false) {}", ddl.table.sql()); }

}  // namespace falsework::pg
