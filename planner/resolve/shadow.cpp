#include <fmt/format.h>

#include "base/error_kinds.h"
#include "planner/expression.h"
#include "planner/names.h"
#include "planner/obstacles.h"
#include "planner/resolve/resolve.h"
#include "postgres/sql/syntax.h"

namespace falsework {

void settle_shadow(const Resolution& resolution, const ColumnDraft& draft, const pg::TypeChange& change,
                   TableWork& work) {
  const pg::Table& table = *draft.table;
  const std::string name = display_column(table.name, draft.column->name);
  ShadowPair pair;
  pair.column = draft.column;
  pair.swap_names = !draft.renamed();
  pair.final_name = draft.name;
  pair.shadow = pair.swap_names ? generated_name("new", {table.name.schema, table.name.name, draft.name}) : draft.name;
  pair.aside = generated_name("old", {table.name.schema, table.name.name, draft.column->name});
  pair.type = draft.type;
  pair.type_changes = draft.type_changes();
  pair.collation = draft.collation;
  pair.not_null = draft.column->not_null || draft.not_null_declared;
  pair.up_cast = change.up;
  pair.down_cast = change.down;
  pair.value_name = draft.column->name;
  pair.time_zone = draft.time_zone == "UTC" ? "UTC" : "";
  if ((change.up == pg::CastKind::kNone && !draft.up) || (change.down == pg::CastKind::kNone && !draft.down)) {
    resolution.fail(errors::kChangeRefused,
                    fmt::format("cannot convert {} from {} to {} by itself: there is no assignment cast {}", name,
                                draft.column->type.name, draft.type,
                                change.up == pg::CastKind::kNone && !draft.up ? "there" : "back"),
                    "Give \"up\" (USING, in SQL) and \"down\" as expressions over the column.");
  }
  const bool pinned = draft.time_zone == "UTC";
  const auto accept = [&](const std::optional<std::string>& expression,
                          const char* what) -> std::optional<std::string> {
    if (!expression) return std::nullopt;
    const std::string accepted =
        accept_expression(*expression, resolution.snapshot, table, {draft.column->name, draft.up_name, draft.name},
                          pinned || draft.zone_given, {fmt::format("\"{}\" of {}", what, name), draft.where, true});
    const std::vector<std::string> value{pair.value_name};
    return over(accepted, {{draft.column->name, value}, {draft.up_name, value}, {draft.name, value}});
  };
  pair.up = accept(draft.up, "up");
  pair.down = accept(draft.down, "down");
  // A default of a user's type, a domain say, could be more than a value in the catalog.
  // Nor does the server add a column with a default where a column elsewhere has the table's row type.
  pair.constant = pair.up && !pinned && !table.row_type_used && pair.type.find('.') == std::string::npos &&
                  pg::inspect_expression(*pair.up).columns.empty();
  if (pair.up && change.up == pg::CastKind::kNone) pair.up_cast = pg::CastKind::kPartialLossy;
  if (pair.down && change.down == pg::CastKind::kNone) pair.down_cast = pg::CastKind::kPartialLossy;
  if (draft.fill) {
    pair.fill = accept_expression(*draft.fill, resolution.snapshot, table, {}, pinned,
                                  {fmt::format("\"fill\" of {}", name), draft.where, draft.type_declared});
  }
  pair.accept_loss = draft.accept_loss;
  pair.implied = draft.implied;
  work.pairs.push_back(std::move(pair));
}

void check_shadows(Resolution& resolution, const TableWork& work) {
  for (const ShadowPair& pair : work.pairs) {
    for (const ColumnDraft& draft : resolution.drafts) {
      if (draft.column == pair.column) resolution.where = draft.where;
    }
    const auto obstacles = shadow_obstacles(resolution.snapshot, work, pair);
    if (obstacles.empty()) continue;
    resolution.fail(errors::kChangeRefused,
                    fmt::format("cannot move {} to a new column: {}", display_column(work.table->name, pair.old_name()),
                                fmt::join(obstacles, "; ")),
                    "Remove what stands in the way and put it back afterwards, or make this change by other means.");
  }
}

}  // namespace falsework
