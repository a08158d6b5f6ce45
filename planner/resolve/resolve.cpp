#include "planner/resolve/resolve.h"

#include <fmt/format.h>

#include "base/error_kinds.h"
#include "planner/naive.h"

namespace falsework {

namespace {

void refuse_nothing_to_do(const Resolution& resolution) {
  const Work& work = resolution.work;
  if (!work.tables.empty() || !work.foreign_keys.empty()) return;
  throw Error(errors::kDeclarationEmpty,
              fmt::format("migration {} would do nothing: the catalog is as declared", work.migration),
              "Nothing has to be planned.");
}

}  // namespace

void Resolution::fail(const ErrorKind& kind, const std::string& message, const std::string& hint) const {
  throw Error(kind, where.empty() ? message : fmt::format("{}: {}", where, message), hint);
}

Work resolve(const Migration& migration, const pg::Snapshot& snapshot) {
  Resolution resolution(migration, snapshot);
  Work& work = resolution.work;
  work.snapshot = &snapshot;
  work.migration = migration.name;
  work.releases = migration.releases;
  work.gates = migration.gates;
  work.author = migration.author;
  work.archive = migration.archive;
  for (const Change& change : migration.changes) {
    resolution.where = change.where;
    std::visit([&](const auto& action) { read(resolution, action); }, change.action);
    ++resolution.index;
  }
  follow_keys(resolution);
  for (ColumnDraft& draft : resolution.drafts) settle(resolution, draft);
  for (const auto& [name, table] : work.tables) check_shadows(resolution, table);
  check_archives(resolution);
  count_old_writes(resolution);
  for (const Change& change : migration.changes) work.changes.push_back(describe_change(change, work));
  refuse_nothing_to_do(resolution);
  return std::move(resolution.work);
}

}  // namespace falsework
