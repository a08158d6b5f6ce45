#include <fmt/format.h>

#include "base/error_kinds.h"
#include "planner/expression.h"
#include "planner/names.h"
#include "planner/obstacles.h"
#include "planner/resolve/resolve.h"

namespace falsework {

namespace {

TableWork& table_work(Resolution& resolution, const pg::Table& table) {
  TableWork& work = resolution.work.tables[table.name];
  work.table = &table;
  return work;
}

// timestamp <-> timestamptz means something only in a time zone; others that depend on settings need `up`.
void settle_time_zone(const Resolution& resolution, ColumnDraft& draft, pg::TypeChange& change) {
  if (!change.session_dependent || draft.up) return;
  const auto family = [](const std::string& type) {
    if (type.find("with time zone") != std::string::npos && type.rfind("timestamp", 0) == 0) return 'z';
    if (type.rfind("timestamp", 0) == 0) return 't';
    return '-';
  };
  const char from = family(draft.column->type.name);
  const char to = family(draft.type);
  const std::string name = display_column(draft.table->name, draft.column->name);
  if (from == '-' || to == '-' || from == to) {
    resolution.fail(errors::kChangeRefused,
                    fmt::format("the conversion of {} from {} to {} depends on the session's settings", name,
                                draft.column->type.name, draft.type),
                    "Give \"up\" and \"down\" as expressions that do not.");
  }
  if (draft.time_zone.empty()) {
    resolution.fail(errors::kChangeRefused,
                    fmt::format("the conversion of {} from {} to {} depends on the session's TimeZone", name,
                                draft.column->type.name, draft.type),
                    "Give \"time_zone\", the zone that the stored times are in, such as \"UTC\".");
  }
  if (draft.time_zone == "UTC") {
    change.session_dependent = false;
    if (in_place_obstacles(resolution.snapshot, *draft.table, *draft.column, change.cost).empty() && !draft.renamed())
      return;
  }
  // With the zone given, timezone(text, timestamp[tz]) is immutable, though other functions of that name are not.
  draft.up = draft.down =
      fmt::format("timezone({}, {})", quote_literal(draft.time_zone), quote_identifier(draft.up_name));
  draft.zone_given = true;
}

void settle_not_null(const Resolution& resolution, const ColumnDraft& draft, TableWork& work) {
  work.not_nulls.push_back({draft.column, draft.fill.has_value()});
  if (!draft.fill) return;
  if (draft.column->generated != 0) {
    resolution.fail(errors::kChangeRefused,
                    fmt::format("cannot fill {}: it is generated, and nothing but its expression can write it",
                                display_column(draft.table->name, draft.column->name)),
                    "Leave \"fill\" out, or change what the expression reads first.");
  }
  work.fills.push_back(
      {draft.column->name,
       accept_expression(*draft.fill, resolution.snapshot, *draft.table, {}, false,
                         {fmt::format("\"fill\" of {}", display_column(draft.table->name, draft.column->name)),
                          draft.where, false})});
}

}  // namespace

void settle(Resolution& resolution, ColumnDraft& draft) {
  resolution.where = draft.where;
  const bool type_changes = draft.type_changes();
  if (!draft.renamed() && !type_changes && !draft.not_null_declared) return;
  TableWork& work = table_work(resolution, *draft.table);
  pg::TypeChange change{pg::TypeChangeCost::kNothing, pg::CastKind::kTotal, pg::CastKind::kTotal, false};
  if (type_changes && draft.type != draft.column->type.name) {
    change = pg::classify_type_change(draft.column->type, draft.type);
  } else if (type_changes) {
    change.cost = pg::TypeChangeCost::kIndexRebuild;  // another collation: every index on the column is rebuilt
  }
  if (type_changes) settle_time_zone(resolution, draft, change);
  const bool in_place = type_changes && !draft.renamed() && !draft.up &&
                        in_place_obstacles(resolution.snapshot, *draft.table, *draft.column, change.cost).empty();
  if (draft.renamed() || (type_changes && !in_place)) {
    settle_shadow(resolution, draft, change, work);
    return;
  }
  if (in_place) work.types.push_back({draft.column, draft.type, draft.collation});
  if (draft.not_null_declared) settle_not_null(resolution, draft, work);
}

}  // namespace falsework
