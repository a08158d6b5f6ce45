#include "planner/resolve/resolve.h"

namespace falsework {

namespace {

void follow(Resolution& resolution, const ColumnDraft& key, const pg::Table& table, const std::string& column_name) {
  resolution.where = key.where;
  const pg::Column* column = table.column(column_name);
  if (column == nullptr || column->type.name != key.column->type.name) return;
  ColumnDraft* draft = nullptr;
  for (ColumnDraft& each : resolution.drafts) {
    if (each.table == &table && each.column == column) draft = &each;
  }
  if (draft == nullptr) {
    find_table(resolution, table.name);
    draft = &find_column(resolution, table, column_name);
  }
  if (draft->type_declared) return;
  draft->type_declared = draft->implied = true;
  draft->type = key.type;
  draft->collation = key.collation;
  draft->up = key.up;
  draft->down = key.down;
  draft->up_name = key.up_name;
  draft->time_zone = key.time_zone;
  draft->accept_loss = key.accept_loss;
  draft->where = key.where;
  draft->changes = key.changes;
}

}  // namespace

// A key and every column that references it change together.
void follow_keys(Resolution& resolution) {
  for (std::size_t next = 0; next < resolution.drafts.size(); ++next) {
    if (!resolution.drafts[next].type_changes()) continue;
    const ColumnDraft key = resolution.drafts[next];
    for (const pg::Table& table : resolution.snapshot.tables) {
      for (const pg::Constraint& constraint : table.constraints) {
        if (constraint.kind != 'f' || constraint.references != key.table->name) continue;
        for (std::size_t i = 0; i < constraint.referenced_columns.size(); ++i) {
          if (constraint.referenced_columns[i] == key.column->name)
            follow(resolution, key, table, constraint.columns[i]);
        }
      }
    }
  }
}

}  // namespace falsework
