#include "planner/draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/names.h"
#include "postgres/locks/locks.h"

namespace falsework {
namespace {

using std::chrono::milliseconds;

struct RenderedSide {
  std::vector<std::string> sql;
  pg::Cost cost;
};

// LOCK TABLE in front, sorted, when the statements need the strongest lock on something: the lock is then had in one
// fixed order, and what the step relies on can be looked at under it.
RenderedSide render_side(const std::vector<pg::Ddl>& statements, int server_major) {
  RenderedSide side;
  std::vector<pg::Cost> costs;
  for (const pg::Ddl& statement : statements) {
    for (std::string& sql : pg::render(statement)) side.sql.push_back(std::move(sql));
    costs.push_back(pg::cost_of(statement, server_major));
  }
  side.cost = pg::combine(costs);
  return side;
}

bool waits_by_nature(const pg::Cost& cost) {
  return cost.scans || std::any_of(cost.locks.begin(), cost.locks.end(), [](const pg::TakenLock& lock) {
           return lock.duration != pg::LockDuration::kMoment;
         });
}

std::string regclass(const QualifiedName& name) {
  return fmt::format("pg_catalog.to_regclass({})", quote_literal(name.sql()));
}

std::string sample_key(const pg::Table& table) {
  for (const pg::Constraint& constraint : table.constraints) {
    if (constraint.kind == 'p') {
      return fmt::format("pg_catalog.concat_ws(',', {})", quote_identifiers(constraint.columns));
    }
  }
  return "ctid::pg_catalog.text";
}

std::string attribute_probe(const QualifiedName& table, const std::string& column, const std::string& extra) {
  return fmt::format(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = {} AND a.attname = {} AND NOT "
      "a.attisdropped{})",
      regclass(table), quote_literal(column), extra);
}

std::string constraint_probe(const QualifiedName& table, const std::string& constraint, const std::string& extra) {
  return fmt::format(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = {} AND c.conname = {}{})",
      regclass(table), quote_literal(constraint), extra);
}

}  // namespace

std::vector<std::string> Draft::before(Phase phase) const {
  std::vector<std::string> ids;
  for (const Step& step : steps) {
    if (step.phase < phase) ids.push_back(step.id);
  }
  return ids;
}

Step statement_step(const Draft& draft, std::string id, Phase phase, std::string title, std::string why,
                    const std::vector<pg::Ddl>& forward, const std::optional<std::vector<pg::Ddl>>& backward) {
  Step step;
  step.id = std::move(id);
  step.phase = phase;
  step.kind = StepKind::kStatement;
  step.title = std::move(title);
  step.why = std::move(why);
  RenderedSide there = render_side(forward, draft.server_major());
  step.sql = std::move(there.sql);
  step.locks = there.cost.locks;
  step.rewrites = there.cost.rewrites;
  step.scans = there.cost.scans;
  if (waits_by_nature(there.cost)) step.timeouts.lock = milliseconds(5000);
  if (backward) {
    RenderedSide back = render_side(*backward, draft.server_major());
    step.undo = std::move(back.sql);
    step.undo_locks = back.cost.locks;
  } else {
    step.undo = std::nullopt;
    step.irreversible = true;
  }
  for (const auto* locks : {&step.locks, &step.undo_locks}) {
    for (const pg::TakenLock& lock : *locks) step.relations.push_back(lock.relation);
  }
  std::sort(step.relations.begin(), step.relations.end());
  step.relations.erase(std::unique(step.relations.begin(), step.relations.end()), step.relations.end());
  return step;
}

Step index_step(const Draft& draft, std::string id, Phase phase, const pg::Table& table, const std::string& index,
                const std::string& definition, std::string title, std::string why) {
  const QualifiedName name{table.name.schema, index};
  Step step = statement_step(draft, std::move(id), phase, std::move(title), std::move(why),
                             {pg::CreateIndex{table.name, name, definition, true}},
                             std::vector<pg::Ddl>{pg::DropIndex{table.name, name, true}});
  step.kind = StepKind::kConcurrent;
  step.transaction = step.undo_transaction = false;
  // Any timeout would end a build that waits for somebody's open query, and leave an invalid index.
  step.timeouts.lock = step.timeouts.statement = milliseconds(0);
  step.estimate.rows = static_cast<std::int64_t>(std::max(0.0, table.rows));
  Probe probe;
  probe.query = fmt::format(
      "SELECT COALESCE((SELECT CASE WHEN i.indrelid <> {1} THEN 'foreign' WHEN i.indisvalid AND i.indisready AND "
      "i.indislive THEN 'ready' WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE "
      "p.index_relid "
      "= i.indexrelid) THEN 'building' ELSE 'broken' END FROM pg_catalog.pg_index i WHERE i.indexrelid = {0}), CASE "
      "WHEN "
      "{0} IS NULL THEN 'absent' ELSE 'foreign' END)",
      regclass(name), regclass(table.name));
  probe.cleanup = pg::render(pg::DropIndex{table.name, name, true}).front();
  step.probe = std::move(probe);
  step.done_when = fmt::format(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = {} AND i.indisvalid AND i.indisready)",
      regclass(name));
  return step;
}

Step range_check(std::string id, Phase phase, const pg::Table& table, const std::string& predicate, std::string message,
                 std::string hint) {
  Step step;
  step.id = std::move(id);
  step.phase = phase;
  step.kind = StepKind::kCheck;
  step.relations = {table.name.display()};
  step.sql = {fmt::format(
      "WITH found AS MATERIALIZED (SELECT {} AS key FROM ONLY {} AS t WHERE t.ctid >= $1::pg_catalog.tid AND t.ctid < "
      "$2::pg_catalog.tid AND ({})) SELECT pg_catalog.count(*), (SELECT pg_catalog.string_agg(s.key, '; ') FROM "
      "(SELECT "
      "key FROM found LIMIT 5) s) FROM found",
      sample_key(table), table.name.sql(), predicate)};
  step.locks = {{table.name.display(), pg::LockMode::kAccessShare, pg::LockDuration::kBatch}};
  step.scans = true;
  step.estimate.rows = static_cast<std::int64_t>(std::max(0.0, table.rows));
  Check check;
  check.relation = table.name.sql();
  check.by_ranges = true;
  check.message = std::move(message);
  check.hint = std::move(hint);
  step.check = std::move(check);
  return step;
}

std::string subject(const TableWork& table) {
  std::vector<std::string> columns;
  for (const ShadowPair& pair : table.pairs) columns.push_back(pair.final_name);
  for (const FillRule& fill : table.fills) columns.push_back(fill.column);
  return columns.size() == 1 ? display_column(table.table->name, columns.front()) : table.table->name.display();
}

std::string column_exists(const QualifiedName& table, const std::string& column) {
  return attribute_probe(table, column, "");
}

std::string column_absent(const QualifiedName& table, const std::string& column) {
  return fmt::format("SELECT NOT ({})", attribute_probe(table, column, ""));
}

std::string column_not_null(const QualifiedName& table, const std::string& column) {
  return attribute_probe(table, column, " AND a.attnotnull");
}

std::string column_has_type(const QualifiedName& table, const std::string& column, const std::string& type) {
  return attribute_probe(table, column,
                         fmt::format(" AND pg_catalog.format_type(a.atttypid, a.atttypmod) = {}", quote_literal(type)));
}

std::string constraint_exists(const QualifiedName& table, const std::string& constraint) {
  return constraint_probe(table, constraint, "");
}

std::string constraint_valid(const QualifiedName& table, const std::string& constraint) {
  return constraint_probe(table, constraint, " AND c.convalidated");
}

std::string trigger_always(const QualifiedName& table, const std::string& trigger) {
  return fmt::format(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {} AND t.tgname = {} AND t.tgenabled = "
      "'A')",
      regclass(table), quote_literal(trigger));
}

std::string trigger_absent(const QualifiedName& table, const std::string& trigger) {
  return fmt::format("SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {} AND t.tgname = {})",
                     regclass(table), quote_literal(trigger));
}

}  // namespace falsework
