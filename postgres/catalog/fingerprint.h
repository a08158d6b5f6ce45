// Digests of what a plan relies on, object by object, so that drift can be named.
//
// One rule: the digests of a snapshot and those of a running engine come from this one query, which travels in the
// plan: the executor needs no catalog code.
#pragma once

#include <map>
#include <string>

namespace falsework::pg {

// A query with one parameter, text[] of relations as `schema.name` (quoted where needed), that answers rows
// (relation text, object text, digest text), sorted: relation is QualifiedName::display(); object is `table`,
// `column c`, `index i`, `constraint c`, `trigger t` (with its function's source), `policy p`, `statistics s`,
// `rule r`, `view v` (that reads the table, itself or through other views), `publication p`, `reference t.c`
// (constraint c of another table t that references this one). A relation that does not exist gives no row.
// Valid on 14–18; the session's search_path must be pg_catalog.
const std::string& fingerprint_query();

}  // namespace falsework::pg
