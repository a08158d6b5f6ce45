#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "planner/names.h"
#include "planner/obstacles.h"
#include "planner/resolve/resolve.h"

namespace falsework {

namespace {

void refuse_view(const Resolution& resolution, const WrittenTable& written) {
  const auto& path = resolution.snapshot.search_path;
  for (const pg::View& view : resolution.snapshot.views) {
    const bool named = view.name.name == written.name &&
                       (written.schema.empty() ? std::find(path.begin(), path.end(), view.name.schema) != path.end()
                                               : view.name.schema == written.schema);
    if (!named) continue;
    resolution.fail(
        errors::kObjectMissing,
        fmt::format("no table {0}: {0} is a {1}", view.name.display(), view.kind == 'm' ? "materialized view" : "view"),
        "Declare the change for the table that it reads; a view that reads a changed column goes with it.");
  }
}

}  // namespace

const pg::Table& find_table(const Resolution& resolution, const WrittenTable& written) {
  const pg::Table* table = nullptr;
  if (!written.schema.empty()) {
    table = resolution.snapshot.table(written);
  } else {
    for (const std::string& schema : resolution.snapshot.search_path) {
      table = resolution.snapshot.table({schema, written.name});
      if (table != nullptr) break;
    }
  }
  if (table == nullptr) refuse_view(resolution, written);
  if (table == nullptr) {
    resolution.fail(
        errors::kObjectMissing,
        fmt::format("no table {}", written.schema.empty() ? quote_identifier(written.name) : written.display()),
        fmt::format("Check the name; schemas searched: {}.",
                    written.schema.empty() ? fmt::format("{}", fmt::join(resolution.snapshot.search_path, ", "))
                                           : written.schema));
  }
  for (const pg::Trigger& trigger : table->triggers) {
    if (trigger.name.rfind("~_fw_", 0) != 0) continue;
    resolution.fail(
        errors::kPlanConflict,
        fmt::format("{} is under change already: it has the dual-write trigger {}", table->name.display(),
                    trigger.name),
        "Finish that run first, or roll it back (falsework status lists runs); or declare both changes in one "
        "migration.");
  }
  if (const auto obstacles = table_obstacles(*table); !obstacles.empty()) {
    resolution.fail(errors::kChangeRefused,
                    fmt::format("cannot change {}: {}", table->name.display(), fmt::join(obstacles, "; ")),
                    "Falsework could not carry this change through safely: make it by other means.");
  }
  return *table;
}

ColumnDraft& find_column(Resolution& resolution, const pg::Table& table, const std::string& name) {
  for (ColumnDraft& draft : resolution.drafts) {
    if (draft.table == &table && draft.name == name) return draft;
  }
  const pg::Column* column = table.column(name);
  const bool renamed_away =
      std::any_of(resolution.drafts.begin(), resolution.drafts.end(),
                  [&](const ColumnDraft& draft) { return draft.table == &table && draft.column->name == name; });
  if (column == nullptr || renamed_away) {
    std::string columns;
    for (const pg::Column& each : table.columns) columns += (columns.empty() ? "" : ", ") + each.name;
    resolution.fail(errors::kObjectMissing,
                    fmt::format("no column {} in table {}", quote_identifier(name), table.name.display()),
                    fmt::format("Its columns are {}.", columns));
  }
  ColumnDraft draft;
  draft.table = &table;
  draft.column = column;
  draft.name = name;
  draft.type = column->type.name;
  draft.collation = column->collation;
  draft.where = resolution.where;
  return resolution.drafts.emplace_back(std::move(draft));
}

}  // namespace falsework
