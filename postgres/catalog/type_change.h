// What ALTER COLUMN TYPE does to a table, and whether values survive the way there and back.
//
// One rule: the matrix was measured on 14–18 (identical on all); anything not in it counts as a rewrite.
// Source: tablecmds.c ATColumnChangeRequiresRewrite; measured in tests/postgres/catalog.
#pragma once

#include <string>

#include "postgres/catalog/snapshot.h"

namespace falsework::pg {

enum class TypeChangeCost { kNothing, kIndexRebuild, kRewrite };
enum class CastKind {
  kTotal,    // every value converts, none changes: int -> bigint
  kPartial,  // some values fail: bigint -> int
  kLossy,    // every value converts, some change: timestamp(6) -> timestamp(0), numeric -> float
  kPartialLossy,
  kNone,  // no assignment cast: needs USING, or up and down
};

struct TypeChange {
  TypeChangeCost cost = TypeChangeCost::kRewrite;
  CastKind up = CastKind::kNone;
  CastKind down = CastKind::kNone;
  bool session_dependent = false;  // the cast reads TimeZone, DateStyle and the like
};

// `to` is a type's canonical spelling (postgres/sql/type_name.h).
TypeChange classify_type_change(const TypeShape& from, const std::string& to);

}  // namespace falsework::pg
