#include "planner/rewrites/archive.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/rewrites/rewrites.h"

namespace falsework {
namespace {

constexpr std::int64_t kRowOverhead = 60;  // header, alignment and the entry of the key in its index

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// Key, new and old columns as they are called between switch and contract.
std::vector<std::string> archived_columns(const TableWork& work) {
  std::vector<std::string> columns = archive_key(work);
  for (const ShadowPair& pair : work.pairs) add_once(columns, pair.final_name);
  for (const ShadowPair& pair : work.pairs) add_once(columns, old_name_now(pair));
  return columns;
}

std::string about(const Work& work, const pg::Table& table) {
  return fmt::format("What the migration {} dropped from {}", work.migration, table.name.display());
}

}  // namespace

QualifiedName archive_name(const Work& work, const pg::Table& table) {
  return {"falsework", generated_name("archive", {work.migration, table.name.schema, table.name.name})};
}

std::vector<std::string> archive_key(const TableWork& work) {
  const pg::Table& table = *work.table;
  const auto key = std::find_if(table.constraints.begin(), table.constraints.end(),
                                [](const pg::Constraint& constraint) { return constraint.kind == 'p'; });
  std::vector<std::string> columns;
  for (const std::string& column : key->columns) {
    const ShadowPair* pair = work.pair_of(column);
    columns.push_back(pair == nullptr ? column : pair->final_name);
  }
  return columns;
}

Step begin_archive(const Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  const QualifiedName archive = archive_name(draft.work, table);
  const pg::CreateArchive create{archive,           table.name,    archived_columns(work),
                                 archive_key(work), *work.counter, about(draft.work, table)};
  Step step = statement_step(
      draft, subject(work) + "/contract/archive", Phase::kContract,
      fmt::format("Begin an archive of the old form of {}", subject(work)),
      fmt::format(
          "What is dropped can be put back for as long as {} is there. The lock waits for open writers, so that "
          "every later write of the old shape is noticed.",
          archive.display()),
      {pg::LockTables{{table.name}, pg::LockMode::kShareRowExclusive}, create},
      std::vector<pg::Ddl>{pg::DropArchive{archive}});
  step.undo_note = "The values are in the table again by then.";
  return step;
}

Step fill_archive(const Draft& draft, const TableWork& work) {
  const pg::Table& table = *work.table;
  const QualifiedName archive = archive_name(draft.work, table);
  Step step = statement_step(draft, subject(work) + "/contract/archive_rows", Phase::kContract,
                             fmt::format("Archive the old values of {}", subject(work)),
                             "One statement reads the table once, beside reads and writes, as a dump does: key, new "
                             "and old value of each row.",
                             {pg::FillArchive{archive, table.name, archived_columns(work)}}, std::vector<pg::Ddl>{});
  // Rows that are in it already would be in the way of the next time.
  step.undo_with = {subject(work) + "/contract/archive"};
  const double rows = std::max(0.0, table.rows);
  double width = 0;
  for (const std::string& name : archived_columns(work)) {
    const pg::Column* column = table.column(name);
    width += column != nullptr && column->average_width > 0 ? column->average_width : 8;
  }
  step.estimate = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(rows * (width + kRowOverhead))};
  return step;
}

pg::Ddl require_fresh_archive(const Work& work, const TableWork& table) {
  return pg::RequireFreshArchive{archive_name(work, *table.table), table.table->name, *table.counter,
                                 about(work, *table.table)};
}

}  // namespace falsework
