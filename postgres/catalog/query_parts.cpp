#include "postgres/catalog/query_parts.h"

#include <fmt/format.h>

namespace falsework::pg {

std::string is_user_schema(const std::string& column) {
  return fmt::format("({0} !~ '^pg_' AND {0} NOT IN ('information_schema', 'falsework'))", column);
}

std::string names_in_order(const std::string& relation, const std::string& numbers) {
  return fmt::format(
      "(SELECT array_agg(a.attname ORDER BY u.place) FROM unnest({1}) WITH ORDINALITY u(number, place)"
      " JOIN pg_attribute a ON a.attrelid = {0} AND a.attnum = u.number)",
      relation, numbers);
}

std::string mentions(const std::string& relation, const std::string& catalog, const std::string& object,
                     const std::string& numbers) {
  return fmt::format(
      "(SELECT array_agg(a.attname ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = {0} AND a.attnum > 0"
      " AND a.attnum IN (SELECT unnest({3}) UNION SELECT d.refobjsubid FROM pg_depend d"
      " WHERE d.classid = '{1}'::regclass AND d.objid = {2} AND d.refclassid = 'pg_class'::regclass"
      " AND d.refobjid = {0} AND d.refobjsubid <> 0))",
      relation, catalog, object, numbers);
}

std::string qualified(const std::string& schema, const std::string& name) {
  return fmt::format("json_build_object('schema', {}, 'name', {})", schema, name);
}

std::string part(const std::string& members) {
  return fmt::format("(SELECT json_strip_nulls(row_to_json(x)) FROM (SELECT {}) x)", members);
}

std::string quoted_beside_placeholder(const std::string& name) {
  return fmt::format(
      "CASE WHEN position('{{column}}' IN {0}) = 0 THEN quote_ident({0})"
      " ELSE 'U&' || quote_ident(replace(replace({0}, '\\', '\\\\'), '{{', '\\007b')) END",
      name);
}

std::string grants(const std::string& acl, const std::string& privilege_suffix, const std::string& target) {
  return fmt::format(
      "SELECT g.place, g.is_grantable, format('GRANT %s ON TABLE %s TO %s%s', g.privileges, {2},"
      " CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE {3} END,"
      " CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement"
      " FROM (SELECT i.place, e.grantee, e.is_grantable,"
      " string_agg(e.privilege_type || {1}, ', ' ORDER BY e.number) AS privileges"
      " FROM unnest({0}) WITH ORDINALITY i(item, place),"
      " LATERAL aclexplode(ARRAY[i.item]) WITH ORDINALITY"
      " e(grantor, grantee, privilege_type, is_grantable, number)"
      " WHERE e.grantor = c.relowner GROUP BY i.place, e.grantee, e.is_grantable) g",
      acl, privilege_suffix, target, quoted_beside_placeholder("pg_get_userbyid(g.grantee)::text"));
}

std::string sequence_members() {
  return qualified("sn.nspname", "sc.relname") +
         " AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start, s.seqincrement AS increment,"
         " s.seqmin AS minimum, s.seqmax AS maximum, s.seqcache AS cache, s.seqcycle AS cycle,"
         " pg_get_userbyid(sc.relowner) AS owner, sc.relacl IS NOT NULL AS has_acl, sc.relacl::text[] AS acl,"
         " obj_description(sc.oid, 'pg_class') AS comment";
}

}  // namespace falsework::pg
