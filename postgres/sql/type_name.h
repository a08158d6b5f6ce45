// The spelling of types: whatever way a type is written, one spelling that can be compared with the catalog's.
//
// One rule: the answer is what format_type() prints on a session whose search_path is pg_catalog, as all of ours are.
#pragma once

#include <string>
#include <string_view>

namespace falsework::pg {

// Parses a type and renders it as format_type does: `int` → `integer`, `varchar(20)` → `character varying(20)`,
// `timestamptz[]` → `timestamp with time zone[]`. A type without a schema that the server does not ship stays without.
// Throws Error(declaration.invalid): not one type, SETOF, %TYPE, or serial (which is not a type).
std::string canonical_type(std::string_view type);

}  // namespace falsework::pg
