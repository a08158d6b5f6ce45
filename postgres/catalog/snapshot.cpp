#include "postgres/catalog/snapshot.h"

#include <algorithm>

namespace falsework::pg {

namespace {

template <typename T, typename Name>
const T* find_named(const std::vector<T>& all, const Name& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

const Column* Table::column(const std::string& column_name) const { return find_named(columns, column_name); }
const Index* Table::index(const std::string& index_name) const { return find_named(indexes, index_name); }
const Constraint* Table::constraint(const std::string& constraint_name) const {
  return find_named(constraints, constraint_name);
}

const Table* Snapshot::table(const QualifiedName& table_name) const { return find_named(tables, table_name); }
const View* Snapshot::view(const QualifiedName& view_name) const { return find_named(views, view_name); }

}  // namespace falsework::pg
