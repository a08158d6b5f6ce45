#include <fmt/format.h>

#include "base/error_kinds.h"
#include "planner/obstacles.h"
#include "planner/resolve/resolve.h"

namespace falsework {

// Rows are found again by their primary key, whose columns the archive compares as pg_catalog does.
void check_archives(Resolution& resolution) {
  if (!resolution.work.archive) return;
  resolution.where.clear();
  bool any = false;
  for (const auto& [name, table] : resolution.work.tables) {
    if (table.pairs.empty()) continue;
    any = true;
    const auto problem = why_no_archive(table);
    if (!problem) continue;
    resolution.fail(
        errors::kChangeRefused, fmt::format("cannot archive what {} drops: {}", resolution.migration.name, *problem),
        "Leave \"archive\" out and keep a backup, or take away what is in the way: rows are found by a primary key of "
        "built-in types, and put back by a rewrite.");
  }
  if (!any) {
    resolution.fail(errors::kDeclarationInvalid,
                    fmt::format("{} asks for an archive, and drops no column", resolution.migration.name),
                    "Leave \"archive\" out: everything that this migration does can be undone.");
  }
}

void count_old_writes(Resolution& resolution) {
  const auto contract = resolution.work.gates.find("contract");
  const bool awaited = contract != resolution.work.gates.end() && contract->second.no_old_writer;
  if (!awaited && !resolution.work.archive) return;
  for (auto& [name, table] : resolution.work.tables) {
    if (table.pairs.empty()) continue;
    table.counter = QualifiedName{name.schema, generated_name("old_writes", {name.schema, name.name})};
  }
}

}  // namespace falsework
