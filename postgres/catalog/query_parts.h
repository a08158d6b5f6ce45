// The pieces that the catalog queries are made of, as SQL text.
//
// One rule: arguments are SQL expressions of ours, never text from outside.
#pragma once

#include <string>

namespace falsework::pg {

// Schemas of people: not the system's (pg_temp_… included) and not ours.
std::string is_user_schema(const std::string& column);

// Column names of an attnum array, in its order.
std::string names_in_order(const std::string& relation, const std::string& numbers);

// Sorted names of the columns of `relation` in `numbers` or in what the object of `catalog` depends on.
std::string mentions(const std::string& relation, const std::string& catalog, const std::string& object,
                     const std::string& numbers);

// A QualifiedName as JSON.
std::string qualified(const std::string& schema, const std::string& name);

// One part of a snapshot: the select list becomes its members, without those that are NULL.
std::string part(const std::string& members);

// An identifier, quoted, that cannot be taken for the placeholder of a column's grants.
std::string quoted_beside_placeholder(const std::string& name);

// GRANT statements (place, is_grantable, statement) for the items of an ACL that the owner of `c`, a pg_class, has
// granted, in the ACL's order, so that the same array comes out.
std::string grants(const std::string& acl, const std::string& privilege_suffix, const std::string& target);

// The members of a SequenceShape, from `s` pg_sequence, `sc` its pg_class and `sn` its pg_namespace.
std::string sequence_members();

}  // namespace falsework::pg
