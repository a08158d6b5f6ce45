#include <fmt/format.h>

#include "planner/names.h"
#include "planner/rewrites/rewrites.h"
#include "planner/rewrites/trigger.h"

namespace falsework {
namespace {

// What the trigger would do with a value, tried in PL/pgSQL: the same assignments, hence the same casts. A temporary
// function, so that nothing is left behind and no name of the user's can be met.
std::string trial_function(const ShadowPair& pair) {
  const std::string body = fmt::format(
      "DECLARE\n"
      "  n {1};\n"
      "  o {0};\n"
      "BEGIN\n"
      "  IF v IS NULL THEN\n    RETURN NULL;\n  END IF;\n"
      "  n := {2};\n"
      "  o := {3};\n"
      "  IF pg_catalog.record_image_ne(ROW(o), ROW(v)) THEN\n    RETURN 'changes';\n  END IF;\n"
      "  RETURN NULL;\n"
      "EXCEPTION WHEN data_exception OR check_violation OR not_null_violation THEN\n"
      "  RETURN 'fails';\n"
      "END",
      pair.column->type.name, pair.type, up_assigned(pair, {"v"}), down_assigned(pair, {"n"}));
  return fmt::format("CREATE OR REPLACE FUNCTION pg_temp._fw_try(v {}) RETURNS pg_catalog.text LANGUAGE plpgsql AS {}",
                     pair.column->type.name, dollar_quote(body));
}

}  // namespace

void check_conversions(Draft& draft, const TableWork& table) {
  for (const ShadowPair& pair : table.pairs) {
    const bool can_fail = pair.up_cast == pg::CastKind::kPartial || pair.up_cast == pg::CastKind::kPartialLossy;
    const bool can_lose =
        pair.up_cast == pg::CastKind::kLossy || pair.up_cast == pg::CastKind::kPartialLossy || pair.up;
    if (!can_fail && !(can_lose && !pair.accept_loss)) continue;
    const std::string name = display_column(table.table->name, pair.old_name());
    const std::string outcome = pair.accept_loss ? "= 'fails'" : "IS NOT NULL";
    Step step = range_check(
        name + "/expand/conversion", Phase::kExpand, *table.table,
        fmt::format("pg_temp._fw_try(t.{}) {}", quote_identifier(pair.old_name()), outcome),
        fmt::format("cannot convert {} to {}: {{count}} rows {}", name, pair.type,
                    pair.accept_loss ? "do not convert" : "do not convert, or come back changed"),
        pair.accept_loss ? "Mend these rows, or give an \"up\" that converts them: {samples}."
                         : "Mend these rows, give \"up\" and \"down\" that fit, or accept the change of values with "
                           "\"accept\": \"data_loss\": {samples}.");
    step.sql.insert(step.sql.begin(), trial_function(pair));
    step.title = fmt::format("Count the values of {} that do not convert", name);
    step.why =
        "A value that does not convert would stop the copy halfway, and the writes of the old release with it; so it "
        "is "
        "found before anything is built.";
    draft.add(std::move(step));
  }
}

}  // namespace falsework
