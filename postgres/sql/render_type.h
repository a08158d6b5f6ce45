// TypeName nodes as text. Private to postgres/sql.
#pragma once

#include <optional>
#include <string>
#include <vector>

struct PgQuery__TypeName;

namespace falsework::pg {

// The SQL standard's spelling of a type of pg_catalog that the grammar knows by keywords, modifiers included; nullopt
// for other types, and where the keyword would mean another type (`bpchar` without a length is not `character`).
std::optional<std::string> keyword_spelling(const std::string& name, const PgQuery__TypeName& type);

// `(20)` or `(10,2)`, or nothing.
std::string render_modifiers(const PgQuery__TypeName& type);

// Renders as format_type() does. Throws Error(declaration.invalid) for what is no column's type.
std::string render_canonical_type(const PgQuery__TypeName& type);

}  // namespace falsework::pg
