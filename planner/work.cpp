#include "planner/work.h"

namespace falsework {

const ShadowPair* TableWork::pair_of(const std::string& old_name) const {
  for (const ShadowPair& pair : pairs) {
    if (pair.old_name() == old_name) return &pair;
  }
  return nullptr;
}

const TableWork* Work::find(const QualifiedName& table) const {
  const auto found = tables.find(table);
  return found == tables.end() ? nullptr : &found->second;
}

}  // namespace falsework
