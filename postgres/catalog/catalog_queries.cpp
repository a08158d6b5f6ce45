#include "postgres/catalog/catalog_queries.h"

#include "postgres/catalog/query_parts.h"

namespace falsework::pg {

std::string scope_query() {
  return "WITH RECURSIVE edges(a, b) AS MATERIALIZED ("
         " SELECT conrelid, confrelid FROM pg_constraint WHERE contype = 'f' UNION"
         " SELECT confrelid, conrelid FROM pg_constraint WHERE contype = 'f' UNION"
         " SELECT inhrelid, inhparent FROM pg_inherits UNION SELECT inhparent, inhrelid FROM pg_inherits),"
         " wanted AS (SELECT DISTINCT ON (w.place) c.oid"
         " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(schema, name, place)"
         " JOIN pg_namespace n ON CASE w.schema WHEN '' THEN n.nspname::text = ANY ($3::text[])"
         " ELSE n.nspname = w.schema END"
         " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
         " ORDER BY w.place, array_position($3::text[], n.nspname::text)),"
         " tied(oid) AS (SELECT oid FROM wanted UNION SELECT e.b FROM tied t JOIN edges e ON e.a = t.oid),"
         " relations(oid) AS (SELECT roots.oid FROM (SELECT oid FROM tied UNION SELECT oid FROM pg_class"
         " WHERE $1::text[] = '{}' AND relkind IN ('r', 'p', 'f', 'v', 'm')) roots UNION"
         " SELECT r.ev_class FROM relations s JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass"
         " AND d.refobjid = s.oid AND d.classid = 'pg_rewrite'::regclass"
         " JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN')"
         " SELECT c.oid, c.relkind FROM relations JOIN pg_class c USING (oid)"
         " JOIN pg_namespace n ON n.oid = c.relnamespace"
         " WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND " +
         is_user_schema("n.nspname");
}

std::string tables_query() {
  return "SELECT c.oid, " +
         part(qualified("n.nspname", "c.relname") +
              " AS name, c.relkind AS kind, c.relpersistence AS persistence, pg_get_userbyid(c.relowner) AS owner,"
              " c.relacl IS NOT NULL AS has_acl, c.relacl::text[] AS acl, c.reloptions AS options,"
              " obj_description(c.oid, 'pg_class') AS comment, ts.spcname AS tablespace,"
              " am.amname AS access_method, c.relreplident AS replica_identity, c.relrowsecurity AS row_security,"
              " c.relforcerowsecurity AS force_row_security,"
              " CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,"
              " pg_get_expr(c.relpartbound, c.oid) AS partition_bound,"
              " EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_type'::regclass"
              " AND d.refobjid IN (ty.oid, ty.typarray) AND d.classid = 'pg_class'::regclass"
              " AND d.objsubid <> 0) AS row_type_used,"
              " (SELECT x.extname FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid"
              " WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0"
              " AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension,"
              " c.relnatts AS attribute_slots, c.reltuples AS rows, coalesce(pg_relation_size(c.oid), 0) AS bytes,"
              " coalesce(pg_total_relation_size(c.oid), 0) AS total_bytes") +
         " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_type ty ON ty.oid = c.reltype"
         " LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace LEFT JOIN pg_am am ON am.oid = c.relam"
         " WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p', 'f')";
}

std::string indexes_query(int server_major) {
  const std::string not_distinct = server_major >= 15 ? "i.indnullsnotdistinct" : "false";
  return "SELECT i.indrelid, " +
         part(
             "ic.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, am.amname AS method,"
             " (SELECT array_agg(CASE i.indkey[k - 1] WHEN 0 THEN"
             " json_build_object('expression', pg_get_indexdef(i.indexrelid, k, false))"
             " ELSE json_build_object('column', a.attname) END ORDER BY k) FROM generate_series(1, i.indnkeyatts) k"
             " LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]) AS key,"
             " (SELECT array_agg(a.attname ORDER BY k) FROM generate_series(i.indnkeyatts + 1, i.indnatts) k"
             " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k - 1]) AS included, " +
             mentions("i.indrelid", "pg_class", "i.indexrelid", "i.indkey::int2[]") +
             " AS mentions, pg_get_expr(i.indpred, i.indrelid) AS predicate, i.indisunique AS unique,"
             " i.indisprimary AS primary, i.indisexclusion AS exclusion, i.indimmediate AS immediate, " +
             not_distinct +
             " AS nulls_not_distinct, i.indisvalid AS valid, i.indisready AS ready, i.indislive AS live,"
             " i.indisreplident AS replica_identity, i.indisclustered AS clustered,"
             " (SELECT k.conname FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid"
             " AND k.contype IN ('p', 'u', 'x')) AS constraint,"
             " (SELECT " +
             qualified("pn.nspname", "pc.relname") +
             " FROM pg_inherits h JOIN pg_class pc ON pc.oid = h.inhparent"
             " JOIN pg_namespace pn ON pn.oid = pc.relnamespace WHERE h.inhrelid = i.indexrelid) AS parent,"
             " obj_description(i.indexrelid, 'pg_class') AS comment, ts.spcname AS tablespace,"
             " ic.reloptions AS options, (SELECT json_object_agg(a.attnum, a.attstattarget ORDER BY a.attnum)"
             " FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0) AS statistics_targets,"
             " coalesce(pg_relation_size(i.indexrelid), 0) AS bytes") +
         " FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am am ON am.oid = ic.relam"
         " LEFT JOIN pg_tablespace ts ON ts.oid = ic.reltablespace WHERE i.indrelid = ANY ($1::oid[])";
}

std::string constraints_query(int server_major) {
  const std::string enforced = server_major >= 18 ? "k.conenforced" : "true";
  const std::string set_columns =
      server_major >= 15 ? names_in_order("k.conrelid", "k.confdelsetcols") : "NULL::text[]";
  return "SELECT k.conrelid, " +
         part("k.conname AS name, k.contype AS kind, pg_get_constraintdef(k.oid) AS definition, " +
              names_in_order("k.conrelid", "k.conkey") + " AS columns, CASE k.contype WHEN 'f' THEN " +
              names_in_order("k.conrelid", "k.conkey") +
              // The expressions of an exclusion constraint belong to its index.
              " WHEN 'x' THEN " + mentions("k.conrelid", "pg_class", "k.conindid", "k.conkey") + " ELSE " +
              mentions("k.conrelid", "pg_constraint", "k.oid", "k.conkey") +
              " END AS mentions, k.convalidated AS validated, k.condeferrable AS deferrable,"
              " k.condeferred AS deferred, k.connoinherit AS no_inherit, " +
              enforced +
              " AS enforced, k.conislocal AS local, k.conparentid <> 0 OR k.coninhcount > 0 AS inherited,"
              " obj_description(k.oid, 'pg_constraint') AS comment, xc.relname AS index,"
              " CASE k.contype WHEN 'f' THEN " +
              qualified("rn.nspname", "rc.relname") + " END AS references, " +
              names_in_order("k.confrelid", "k.confkey") + " AS referenced_columns, " + set_columns +
              " AS on_delete_columns, CASE k.contype WHEN 'f' THEN k.confmatchtype END AS match,"
              " CASE k.contype WHEN 'f' THEN k.confupdtype END AS on_update,"
              " CASE k.contype WHEN 'f' THEN k.confdeltype END AS on_delete") +
         " FROM pg_constraint k LEFT JOIN pg_class xc ON xc.oid = k.conindid"
         " LEFT JOIN pg_class rc ON rc.oid = k.confrelid LEFT JOIN pg_namespace rn ON rn.oid = rc.relnamespace"
         " WHERE k.conrelid = ANY ($1::oid[])";
}

// 14 calls a partition's twin of a row trigger internal; the twins of constraints' own triggers have tgconstraint set.
std::string triggers_query() {
  return "SELECT t.tgrelid, " +
         part(
             "t.tgname AS name, pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled,"
             " t.tgconstraint <> 0 AS constraint, t.tgparentid <> 0 AS inherited, t.tgtype & 1 <> 0 AS row,"
             " t.tgtype & 2 <> 0 AS before, t.tgtype & 4 <> 0 AS on_insert, t.tgtype & 8 <> 0 AS on_delete,"
             " t.tgtype & 16 <> 0 AS on_update, t.tgtype & 32 <> 0 AS on_truncate, " +
             mentions("t.tgrelid", "pg_trigger", "t.oid", "t.tgattr::int2[]") + " AS mentions, " +
             qualified("n.nspname", "p.proname") +
             " AS function, p.prosrc AS function_source, obj_description(t.oid, 'pg_trigger') AS comment") +
         " FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace"
         " WHERE t.tgrelid = ANY ($1::oid[])"
         " AND (NOT t.tgisinternal OR (t.tgparentid <> 0 AND t.tgconstraint = 0))";
}

std::string policies_query() {
  return "SELECT p.polrelid, " +
         part(
             "p.polname AS name, CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'"
             " WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,"
             " (SELECT string_agg(CASE r.id WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.id)) END, ', '"
             " ORDER BY r.place) FROM unnest(p.polroles) WITH ORDINALITY r(id, place)) AS roles,"
             " p.polpermissive AS permissive, pg_get_expr(p.polqual, p.polrelid) AS using_expression,"
             " pg_get_expr(p.polwithcheck, p.polrelid) AS check_expression, " +
             mentions("p.polrelid", "pg_policy", "p.oid", "'{}'::int2[]") +
             " AS mentions, obj_description(p.oid, 'pg_policy') AS comment") +
         " FROM pg_policy p WHERE p.polrelid = ANY ($1::oid[])";
}

std::string statistics_query() {
  return "SELECT s.stxrelid, " +
         part(qualified("n.nspname", "s.stxname") + " AS name, pg_get_statisticsobjdef(s.oid) AS definition, " +
              mentions("s.stxrelid", "pg_statistic_ext", "s.oid", "s.stxkeys::int2[]") +
              " AS mentions, pg_get_userbyid(s.stxowner) AS owner, coalesce(s.stxstattarget, -1) AS target,"
              " obj_description(s.oid, 'pg_statistic_ext') AS comment") +
         " FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace"
         " WHERE s.stxrelid = ANY ($1::oid[])";
}

std::string publications_query(int server_major) {
  std::string members = "p.pubname AS publication";
  if (server_major >= 15) {
    members += ", r.prattrs IS NULL AS all_columns, " + names_in_order("r.prrelid", "r.prattrs") +
               " AS columns, pg_get_expr(r.prqual, r.prrelid) AS row_filter, " +
               mentions("r.prrelid", "pg_publication_rel", "r.oid", "r.prattrs::int2[]") + " AS mentions";
  }
  return "SELECT r.prrelid, " + part(members) +
         " FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = ANY ($1::oid[])";
}

std::string views_query() {
  // A new view has what the owner's default privileges give it: whoever they serve is stripped first, then the ACL is
  // granted item by item, which gives the same array.
  const std::string view_name = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";
  const std::string strip =
      "SELECT 0 AS section, 0 AS number, 0::bigint AS place, false AS is_grantable,"
      " 'REVOKE ALL ON TABLE ' || " +
      view_name +
      " || ' FROM ' || string_agg(w.role, ', ' ORDER BY w.role) AS statement"
      " FROM (SELECT quote_ident(pg_get_userbyid(c.relowner)) AS role WHERE c.relacl IS NOT NULL"
      " UNION SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END"
      " FROM pg_default_acl f, LATERAL aclexplode(f.defaclacl) e WHERE f.defaclrole = c.relowner"
      " AND f.defaclobjtype = 'r' AND f.defaclnamespace IN (0, c.relnamespace) AND e.grantee <> c.relowner) w"
      " HAVING count(*) > 0";
  return "SELECT c.oid, " +
         part(qualified("n.nspname", "c.relname") +
              " AS name, c.relkind AS kind, rtrim(ltrim(pg_get_viewdef(c.oid)), ';') AS query,"
              " (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid"
              " AND a.attnum > 0 AND NOT a.attisdropped) AS columns,"
              " (SELECT array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) FROM pg_attribute a"
              " WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS column_types,"
              " pg_get_userbyid(c.relowner) AS owner, c.relacl IS NOT NULL AS has_acl, c.relacl::text[] AS acl,"
              " (SELECT array_agg(s.statement ORDER BY s.section, s.number, s.place, s.is_grantable) FROM (" +
              strip + " UNION ALL SELECT 1, 0, g.* FROM (" + grants("c.relacl", "''", view_name) +
              ") g UNION ALL SELECT 2, a.attnum, g.* FROM pg_attribute a, LATERAL (" +
              grants("a.attacl", "' (' || quote_ident(a.attname) || ')'", view_name) +
              ") g WHERE a.attrelid = c.oid AND a.attnum > 0) s) AS grants, c.reloptions AS options,"
              " obj_description(c.oid, 'pg_class') AS comment,"
              " (SELECT json_object_agg(a.attname, d.description ORDER BY a.attname) FROM pg_description d"
              " JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid"
              " WHERE d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid > 0) AS column_comments,"
              " (SELECT json_object_agg(a.attname, pg_get_expr(ad.adbin, ad.adrelid) ORDER BY a.attname)"
              " FROM pg_attrdef ad JOIN pg_attribute a ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum"
              " WHERE ad.adrelid = c.oid) AS column_defaults,"
              " (SELECT json_agg(DISTINCT jsonb_build_object('relation', " +
              qualified("dn.nspname", "dc.relname") +
              ", 'column', coalesce(da.attname, ''))) FROM pg_rewrite r JOIN pg_depend d"
              " ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass"
              " AND d.refobjid <> c.oid JOIN pg_class dc ON dc.oid = d.refobjid"
              " JOIN pg_namespace dn ON dn.oid = dc.relnamespace LEFT JOIN pg_attribute da"
              " ON da.attrelid = d.refobjid AND da.attnum = d.refobjsubid AND d.refobjsubid <> 0"
              " WHERE r.ev_class = c.oid AND r.rulename = '_RETURN') AS depends_on,"
              " ts.spcname AS tablespace, am.amname AS access_method, c.relispopulated AS populated") +
         " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
         " LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace LEFT JOIN pg_am am ON am.oid = c.relam"
         " WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('v', 'm')";
}

std::string ties_query() {
  return "SELECT r.ev_class, 'rule', pg_get_ruledef(r.oid), '' FROM pg_rewrite r"
         " WHERE r.ev_class = ANY ($1::oid[]) AND r.rulename <> '_RETURN'"
         " UNION ALL (SELECT h.inhrelid, 'parent', n.nspname, c.relname FROM pg_inherits h"
         " JOIN pg_class c ON c.oid = h.inhparent JOIN pg_namespace n ON n.oid = c.relnamespace"
         " WHERE h.inhrelid = ANY ($1::oid[]) ORDER BY h.inhrelid, h.inhseqno)"
         " UNION ALL SELECT h.inhparent, 'child', n.nspname, c.relname FROM pg_inherits h"
         " JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
         " WHERE h.inhparent = ANY ($1::oid[])"
         // Until 14 the generated column itself depends on what it reads, later its expression (heap.c).
         " UNION ALL SELECT a.attrelid, 'generated_from', a.attname, '' FROM pg_attribute a"
         " WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND EXISTS (SELECT FROM pg_depend d"
         " WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum"
         " AND ((d.classid = 'pg_class'::regclass AND d.objid = a.attrelid AND d.objsubid <> 0)"
         " OR (d.classid = 'pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_attrdef ad WHERE ad.oid = d.objid"
         " AND ad.adrelid = a.attrelid AND ad.adnum <> a.attnum))))"
         " UNION ALL SELECT d.refobjid, 'dependent', coalesce(a.attname, ''),"
         " pg_describe_object(d.classid, d.objid, d.objsubid)"
         " FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid LEFT JOIN pg_attribute a"
         " ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid AND d.refobjsubid <> 0"
         " LEFT JOIN pg_rewrite rw ON d.classid = 'pg_rewrite'::regclass AND rw.oid = d.objid"
         " LEFT JOIN pg_policy po ON d.classid = 'pg_policy'::regclass AND po.oid = d.objid"
         " LEFT JOIN pg_trigger tg ON d.classid = 'pg_trigger'::regclass AND tg.oid = d.objid"
         " LEFT JOIN pg_class dc ON d.classid = 'pg_class'::regclass AND dc.oid = d.objid"
         " WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[])"
         " AND (d.refobjsubid <> 0 OR c.relkind IN ('v', 'm'))"
         " AND d.classid NOT IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_statistic_ext'::regclass,"
         " 'pg_publication_rel'::regclass, 'pg_type'::regclass)"
         " AND rw.rulename IS DISTINCT FROM '_RETURN' AND po.polrelid IS DISTINCT FROM d.refobjid"
         " AND tg.tgrelid IS DISTINCT FROM d.refobjid"
         " AND (dc.oid IS NULL OR NOT (dc.oid = d.refobjid OR dc.relkind IN ('i', 'I', 'S', 't')))"
         // What uses a view's row type keeps it from being dropped.
         " UNION ALL SELECT c.oid, 'dependent', '', pg_describe_object(d.classid, d.objid, d.objsubid)"
         " FROM pg_class c JOIN pg_type t ON t.oid = c.reltype JOIN pg_depend d"
         " ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray) AND d.deptype <> 'i'"
         " WHERE c.oid = ANY ($1::oid[]) AND c.relkind IN ('v', 'm')";
}

std::string functions_query() {
  return "SELECT " +
         part(qualified("n.nspname", "p.proname") +
              " AS name, pg_get_function_identity_arguments(p.oid) AS arguments, p.provolatile AS volatility,"
              " p.prosecdef AS security_definer, d.reads AS depends_on") +
         " FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace LEFT JOIN"
         " (SELECT d.objid, json_agg(DISTINCT jsonb_build_object('relation', " +
         qualified("dn.nspname", "dc.relname") +
         ", 'column', coalesce(da.attname, ''))) AS reads FROM pg_depend d JOIN pg_class dc ON dc.oid = d.refobjid"
         " JOIN pg_namespace dn ON dn.oid = dc.relnamespace LEFT JOIN pg_attribute da"
         " ON da.attrelid = d.refobjid AND da.attnum = d.refobjsubid AND d.refobjsubid <> 0"
         " WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass GROUP BY d.objid) d"
         " ON d.objid = p.oid WHERE " +
         is_user_schema("n.nspname");
}

std::string sequences_query() {
  return "SELECT " + part(sequence_members()) +
         " FROM pg_sequence s JOIN pg_class sc ON sc.oid = s.seqrelid JOIN pg_namespace sn ON sn.oid = sc.relnamespace"
         " WHERE " +
         is_user_schema("sn.nspname") +
         " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = sc.oid"
         " AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid <> 0 AND d.deptype IN ('a', 'i'))";
}

std::string names_query() {
  return "SELECT 'type', n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace"
         " LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE " +
         is_user_schema("n.nspname") +
         " AND (t.typtype IN ('d', 'e', 'r', 'm') OR (t.typtype = 'c' AND c.relkind = 'c')"
         " OR (t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)))"
         " UNION ALL SELECT DISTINCT 'operator', n.nspname, o.oprname FROM pg_operator o"
         " JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE " +
         is_user_schema("n.nspname") +
         " UNION ALL SELECT 'relation', n.nspname, c.relname FROM pg_class c"
         " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY ($1::text[])";
}

std::string builtin_volatility_query() {
  return "SELECT p.proname, CASE WHEN bool_and(p.provolatile = 's') THEN 's' WHEN bool_and(p.provolatile = 'v')"
         " THEN 'v' ELSE 'm' END FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace"
         " GROUP BY p.proname HAVING bool_or(p.provolatile <> 'i')";
}

// The narrower setting wins (PG docs, sql-alterrole); this session's own value is pinned and says nothing.
std::string search_path_query() {
  return "SELECT substr(c.setting, length('search_path=') + 1) FROM pg_db_role_setting s,"
         " LATERAL unnest(s.setconfig) c(setting) WHERE c.setting LIKE 'search\\_path=%'"
         " AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))"
         " AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user))"
         " ORDER BY (s.setrole <> 0) DESC, (s.setdatabase <> 0) DESC LIMIT 1";
}

}  // namespace falsework::pg
