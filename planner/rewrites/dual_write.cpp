#include <fmt/format.h>

#include "planner/rewrites/rewrites.h"
#include "planner/rewrites/trigger.h"

namespace falsework {
namespace {

std::string column_object(const QualifiedName& table, const std::string& column) {
  return fmt::format("COLUMN {}.{}", table.sql(), quote_identifier(column));
}

pg::AddColumn add_column(const pg::Table& table, const ShadowPair& pair) {
  pg::AddColumn add{table.name, pair.shadow, pair.type, pair.collation};
  if (pair.constant) add.value = up_assigned(pair, {pair.old_name()});
  return add;
}

std::string names_list(const TableWork& table) {
  std::string names;
  for (const ShadowPair& pair : table.pairs) {
    names += fmt::format("{}{} and {}", names.empty() ? "" : ", ", pair.old_name(),
                         pair.swap_names ? "its new form" : pair.final_name);
  }
  return names;
}

}  // namespace

// A type change resets storage and compression, as ALTER COLUMN TYPE does (tablecmds.c, ATExecAlterColumnType).
void add_attributes(const pg::Table& table, const pg::Column& column, const std::string& to, bool type_changes,
                    std::vector<pg::Ddl>& ddl) {
  if (!type_changes) {
    if (!column.storage.empty() && column.storage != column.type_storage) {
      ddl.push_back(pg::SetStorage{table.name, to, column.storage});
    }
    if (!column.compression.empty()) ddl.push_back(pg::SetCompression{table.name, to, column.compression});
  }
  if (column.statistics_target >= 0) {
    ddl.push_back(pg::SetStatisticsTarget{table.name, to, column.statistics_target});
  }
  if (!column.options.empty()) ddl.push_back(pg::SetColumnOptions{table.name, to, column.options});
  if (column.comment) ddl.push_back(pg::Comment{column_object(table.name, to), column.comment, table.name});
  for (std::string grant : column.grants) {
    const std::string placeholder = "{column}";
    const std::string name = quote_identifier(to);
    for (std::size_t at = grant.find(placeholder); at != std::string::npos;
         at = grant.find(placeholder, at + name.size())) {
      grant.replace(at, placeholder.size(), name);
    }
    ddl.push_back(pg::Grant{grant, table.name});
  }
}

void start_dual_write(Draft& draft, const TableWork& work) {
  if (!work.has_trigger()) return;
  const pg::Table& table = *work.table;
  std::vector<pg::Ddl> forward{pg::LockTables{{table.name}, pg::LockMode::kAccessExclusive}};
  for (const ShadowPair& pair : work.pairs) {
    forward.push_back(add_column(table, pair));
    if (pair.constant) forward.push_back(pg::DropDefault{table.name, pair.shadow});
    add_attributes(table, *pair.column, pair.shadow, pair.type_changes, forward);
  }
  if (work.counter) forward.push_back(pg::CreateCounter{*work.counter});
  for (pg::Ddl& function : trigger_functions(work, false)) forward.push_back(std::move(function));
  for (pg::Ddl& trigger : create_triggers(work)) forward.push_back(std::move(trigger));

  std::vector<pg::Ddl> backward{pg::LockTables{{table.name}, pg::LockMode::kAccessExclusive}};
  for (pg::Ddl& drop : drop_triggers(work)) backward.push_back(std::move(drop));
  for (const ShadowPair& pair : work.pairs) backward.push_back(pg::DropColumn{table.name, pair.shadow});

  const bool shadows = !work.pairs.empty();
  Step step = statement_step(
      draft, subject(work) + "/dual_write/trigger", Phase::kDualWrite,
      shadows ? fmt::format("Add the new column of {} and keep it in agreement", subject(work))
              : fmt::format("Fill NULLs of {} as they are written", subject(work)),
      shadows
          ? fmt::format("From this commit on every write of either shape keeps {} in agreement, so the copy has only "
                        "older rows to visit. Column and trigger share a transaction: no write falls between them.",
                        names_list(work))
          : "From this commit on no new NULL appears, so the copy has only older rows to visit.",
      forward, std::move(backward));
  step.done_when = trigger_always(table.name, trigger_names(table).on_update);
  step.needs = draft.before(Phase::kDualWrite);
  if (!shadows) step.undo_note = "Values that were filled stay.";
  draft.add(std::move(step));
}

}  // namespace falsework
