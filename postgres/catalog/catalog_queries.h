// The catalog queries of introspection, one for each class of object.
//
// One rule: each is one round trip for the whole scope ($1, an oid[] of relations) and answers (oid of the relation it
// belongs to, JSON of one part of a snapshot). Members that a version of the server lacks keep their default.
#pragma once

#include <string>

namespace falsework::pg {

// $1 text[]: schemas, $2 text[]: names, both of the same length; a schema of '' means the schemas of $3, the first that
// has the name. Empty $1: every table. Answers (oid, relkind) of tables, and of views, that are in scope.
std::string scope_query();

std::string tables_query();
std::string columns_query();
std::string indexes_query(int server_major);
std::string constraints_query(int server_major);
std::string triggers_query();
std::string policies_query();
std::string statistics_query();
std::string publications_query(int server_major);
std::string views_query();
// Answers (oid, kind, a, b): what hangs on a relation but is no part with members of its own. Kinds: `rule`,
// `parent`, `child`, `generated_from`, `dependent`.
std::string ties_query();

// Of the database; no parameter, or as stated. (JSON) each.
std::string functions_query();
std::string sequences_query();
// (kind, schema, name): `type` and `operator` outside pg_catalog; `relation`: taken names in the schemas of $1.
std::string names_query();
// (name, i|s|v|m).
std::string builtin_volatility_query();
// (setting): the role's own search_path in this database, or NULL.
std::string search_path_query();

}  // namespace falsework::pg
