// Two snapshots, object by object.
#pragma once

#include <string>
#include <vector>

#include "postgres/catalog/snapshot.h"

namespace falsework::pg {

struct Difference {
  std::string object;         // `column users.email`, `index users_email_key`, …
  std::string attribute;      // `type`, `definition`, …; empty when the object itself is missing or new
  std::string before, after;  // rendered; empty where the object does not exist
  bool operator==(const Difference&) const = default;
};

struct CompareOptions {
  bool column_order = true;  // whether the order of live columns counts
};

// Sorted by object. Empty means equal in everything that a person would call the schema.
std::vector<Difference> compare(const Snapshot& before, const Snapshot& after, const CompareOptions& options = {});

}  // namespace falsework::pg
