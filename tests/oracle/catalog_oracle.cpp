#include "tests/oracle/catalog_oracle.h"

#include <algorithm>
#include <iterator>

namespace falsework::test {

namespace {

// Most rows are to_jsonb() of the catalog's own row, so that what a later version adds is seen too; members that hold
// OIDs, attribute numbers or what drifts by itself are taken out, and those that matter come back by name. pg_attver is
// a mark that some builds of the server (15.20 of Debian) put on a column when it is created or changes its type: a WAL
// position, which nobody can set and pg_dump does not carry.
constexpr const char* kCatalog = R"sql(
WITH RECURSIVE schemas AS MATERIALIZED (
  SELECT n.* FROM pg_namespace AS n WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'falsework')
), classes AS MATERIALIZED (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS label
  FROM pg_class AS c JOIN schemas AS n ON n.oid = c.relnamespace
), dependencies AS MATERIALIZED (
  SELECT * FROM pg_depend AS d
  WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype <> 'e'
    AND NOT (d.classid = 'pg_type'::regclass AND d.deptype = 'i')
    AND NOT (d.refclassid = 'pg_type'::regclass AND d.classid = 'pg_class'::regclass AND d.deptype = 'i')
), described AS MATERIALIZED (
  SELECT d.* FROM pg_description AS d WHERE d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass
), objects AS MATERIALIZED (
  SELECT o.classid, o.objid, o.objsubid,
    regexp_replace(i.type || ' ' || i.identity, '(RI_ConstraintTrigger_[ac])_[0-9]+', '\1') AS label
  FROM (SELECT classid, objid, objsubid FROM dependencies
        UNION SELECT refclassid, refobjid, refobjsubid FROM dependencies
        UNION SELECT classoid, objoid, objsubid FROM described
        UNION SELECT classoid, objoid, objsubid FROM pg_seclabel) AS o,
    LATERAL pg_identify_object(o.classid, o.objid, o.objsubid) AS i
  WHERE i.identity IS NOT NULL AND i.identity !~ '(^| )(pg_toast|pg_temp|falsework)(\.|$)'
    AND coalesce(i.schema, '') !~ '^(pg_toast|pg_temp|falsework$)'
)
SELECT 'schema ' || n.nspname || ' ' || jsonb_build_array(pg_get_userbyid(n.nspowner), n.nspacl::text)::text
FROM schemas AS n
UNION ALL
SELECT 'relation ' || c.label || ' ' || (to_jsonb(c) - '{oid,relname,label,relnamespace,reltype,reloftype,relowner,relam,
  relfilenode,reltablespace,relpages,reltuples,relallvisible,relallfrozen,reltoastrelid,relnatts,relhasindex,relhasrules,
  relhastriggers,relhassubclass,relfrozenxid,relminmxid,relrewrite,relpartbound}'::text[] || jsonb_build_object(
  'owner', pg_get_userbyid(c.relowner), 'acl', c.relacl::text, 'method', am.amname, 'tablespace', ts.spcname,
  'of', c.reloftype::regtype::text, 'bound', pg_get_expr(c.relpartbound, c.oid),
  'partitioned by', CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END, 'toast', toast.reloptions))::text
FROM classes AS c LEFT JOIN pg_am AS am ON am.oid = c.relam LEFT JOIN pg_tablespace AS ts ON ts.oid = c.reltablespace
LEFT JOIN pg_class AS toast ON toast.oid = c.reltoastrelid
UNION ALL
SELECT 'column ' || a.label || ' ' || jsonb_build_object(
  'type', format_type(a.atttypid, a.atttypmod), 'collation', a.attcollation::regcollation::text,
  'not null', a.attnotnull, 'default', pg_get_expr(ad.adbin, ad.adrelid), 'identity', a.attidentity,
  'generated', a.attgenerated, 'storage', a.attstorage, 'compression', a.attcompression,
  'statistics', coalesce(a.attstattarget, -1),
  'options', (SELECT jsonb_agg(o.text ORDER BY o.place) FROM unnest(a.attoptions) WITH ORDINALITY AS o(text, place)
              WHERE o.text NOT LIKE 'pg\_attver=%'), 'acl', a.attacl::text, 'local', a.attislocal,
  'inherited', a.attinhcount, 'foreign', a.attfdwoptions,
  'position', CASE WHEN $ORDER$ OR a.relkind NOT IN ('r', 'p', 'f') THEN a.place END)::text
FROM (SELECT a.*, c.relkind, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place,
        c.label || CASE WHEN c.relkind IN ('i', 'I') THEN ' ' || a.attnum ELSE format('.%I', a.attname) END AS label
      FROM pg_attribute AS a JOIN classes AS c ON c.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped) AS a
LEFT JOIN pg_attrdef AS ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
WHERE a.relkind <> 'S'
UNION ALL
SELECT 'index ' || c.label || ' ' || (to_jsonb(i) - '{indexrelid,indrelid,indnatts,indcheckxmin,indkey,indcollation,
  indclass,indoption,indexprs,indpred}'::text[] || jsonb_build_object('definition', pg_get_indexdef(i.indexrelid),
  'parent', (SELECT h.inhparent::regclass::text FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid)))::text
FROM classes AS c JOIN pg_index AS i ON i.indexrelid = c.oid
UNION ALL
SELECT 'constraint ' || coalesce(c.label, k.contypid::regtype::text) || ' ' || quote_ident(k.conname) || ' ' ||
  (to_jsonb(k) - '{oid,conname,connamespace,conrelid,contypid,conindid,conparentid,confrelid,conkey,confkey,conpfeqop,
  conppeqop,conffeqop,confdelsetcols,conexclop,conbin}'::text[] || jsonb_build_object(
  'definition', pg_get_constraintdef(k.oid), 'index', k.conindid::regclass::text,
  'parent', (SELECT jsonb_build_array(p.conrelid::regclass::text, p.conname) FROM pg_constraint AS p
             WHERE p.oid = k.conparentid)))::text
FROM pg_constraint AS k JOIN schemas AS n ON n.oid = k.connamespace LEFT JOIN classes AS c ON c.oid = k.conrelid
WHERE k.contype <> 't'
UNION ALL
SELECT 'trigger ' || c.label || ' ' || jsonb_build_array(
  CASE WHEN t.tgisinternal THEN regexp_replace(t.tgname, '_[0-9]+$', '') ELSE t.tgname END, t.tgenabled, t.tgisinternal,
  t.tgdeferrable, t.tginitdeferred, t.tgtype, t.tgfoid::regprocedure::text, (t.tgparentid <> 0),
  (SELECT jsonb_build_array(k.conrelid::regclass::text, k.conname) FROM pg_constraint AS k WHERE k.oid = t.tgconstraint),
  CASE WHEN NOT t.tgisinternal THEN pg_get_triggerdef(t.oid) END)::text
FROM pg_trigger AS t JOIN classes AS c ON c.oid = t.tgrelid
UNION ALL
SELECT 'function ' || format('%I.%I(%s) ', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) ||
  (to_jsonb(p) - '{oid,proname,pronamespace,proowner,prolang,provariadic,prosupport,prorettype,proargtypes,proallargtypes,
  protrftypes,proargdefaults,prosqlbody}'::text[] || jsonb_build_object('owner', pg_get_userbyid(p.proowner),
  'acl', p.proacl::text, 'result', pg_get_function_result(p.oid), 'arguments', pg_get_function_arguments(p.oid),
  'definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END))::text
FROM pg_proc AS p JOIN schemas AS n ON n.oid = p.pronamespace
UNION ALL
SELECT 'rule ' || c.label || ' ' || jsonb_build_array(r.rulename, r.ev_enabled, r.is_instead, pg_get_ruledef(r.oid))::text
FROM pg_rewrite AS r JOIN classes AS c ON c.oid = r.ev_class
UNION ALL
SELECT 'policy ' || c.label || ' ' || jsonb_build_array(p.polname, p.polcmd, p.polpermissive,
  (SELECT jsonb_agg(CASE r.id WHEN 0 THEN '' ELSE pg_get_userbyid(r.id) END ORDER BY r.place)
   FROM unnest(p.polroles) WITH ORDINALITY AS r(id, place)),
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))::text
FROM pg_policy AS p JOIN classes AS c ON c.oid = p.polrelid
UNION ALL
SELECT 'sequence ' || c.label || ' ' || (to_jsonb(s) - '{seqrelid,seqtypid}'::text[] || jsonb_build_object(
  'type', s.seqtypid::regtype::text, 'owned by',
  (SELECT jsonb_agg(jsonb_build_array(d.deptype, d.refobjid::regclass::text, a.attname) ORDER BY a.attname)
   FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
     AND d.refobjsubid > 0)))::text
FROM pg_sequence AS s JOIN classes AS c ON c.oid = s.seqrelid
UNION ALL
SELECT DISTINCT 'dependency ' || jsonb_build_array(o.label, d.deptype, r.label)::text
FROM dependencies AS d
JOIN objects AS o ON o.classid = d.classid AND o.objid = d.objid AND o.objsubid = d.objsubid
JOIN objects AS r ON r.classid = d.refclassid AND r.objid = d.refobjid AND r.objsubid = d.refobjsubid
UNION ALL
SELECT 'publication ' || quote_ident(p.pubname) || ' ' ||
  (to_jsonb(p) - '{oid,pubname,pubowner}'::text[] || jsonb_build_object('owner', pg_get_userbyid(p.pubowner)))::text
FROM pg_publication AS p
UNION ALL
SELECT 'publication ' || quote_ident(p.pubname) || ' of ' || c.label || ' ' || jsonb_build_array(
  (SELECT jsonb_agg(a.attname ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = r.prrelid
   AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)),
  (SELECT to_jsonb(v) ->> 'rowfilter' FROM pg_publication_tables AS v
   WHERE v.pubname = p.pubname AND format('%I.%I', v.schemaname, v.tablename) = c.label))::text
FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid JOIN classes AS c ON c.oid = r.prrelid
UNION ALL
SELECT 'publication of tables ' || jsonb_build_array(v.pubname, v.schemaname, v.tablename)::text
FROM pg_publication_tables AS v WHERE v.schemaname <> 'falsework'
UNION ALL
SELECT 'statistics ' || format('%I.%I ', n.nspname, s.stxname) || jsonb_build_array(s.stxrelid::regclass::text,
  pg_get_userbyid(s.stxowner), coalesce(s.stxstattarget, -1), CASE WHEN $ORDER$ THEN to_jsonb(pg_get_statisticsobjdef(s.oid)) ELSE
  jsonb_build_array(s.stxkind, pg_get_statisticsobjdef_expressions(s.oid), (SELECT jsonb_agg(a.attname ORDER BY a.attname)
  FROM pg_attribute AS a WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys::int2[]))) END)::text
FROM pg_statistic_ext AS s JOIN schemas AS n ON n.oid = s.stxnamespace
UNION ALL
SELECT 'inheritance ' || jsonb_build_array(c.label, h.inhparent::regclass::text,
  row_number() OVER (PARTITION BY h.inhrelid ORDER BY h.inhseqno), to_jsonb(h) -> 'inhdetachpending')::text
FROM pg_inherits AS h JOIN classes AS c ON c.oid = h.inhrelid
UNION ALL
SELECT 'type ' || format('%I.%I ', n.nspname, t.typname) || (to_jsonb(t) - '{oid,typname,typnamespace,typowner,typrelid,
  typelem,typarray,typsubscript,typinput,typoutput,typreceive,typsend,typmodin,typmodout,typanalyze,typbasetype,
  typcollation,typdefaultbin}'::text[] || jsonb_build_object('owner', pg_get_userbyid(t.typowner),
  'acl', t.typacl::text, 'base', CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
  'collation', t.typcollation::regcollation::text,
  'labels', (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid),
  'range', (SELECT jsonb_build_array(g.rngsubtype::regtype::text, g.rngcollation::regcollation::text)
            FROM pg_range AS g WHERE g.rngtypid = t.oid)))::text
FROM pg_type AS t JOIN schemas AS n ON n.oid = t.typnamespace LEFT JOIN pg_class AS c ON c.oid = t.typrelid
WHERE (t.typtype <> 'c' OR c.relkind = 'c') AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)
UNION ALL
SELECT 'default privileges ' || jsonb_build_array(pg_get_userbyid(d.defaclrole),
  (SELECT n.nspname FROM pg_namespace AS n WHERE n.oid = d.defaclnamespace), d.defaclobjtype, d.defaclacl::text)::text
FROM pg_default_acl AS d
UNION ALL
SELECT 'comment ' || jsonb_build_array(o.label, d.description)::text
FROM described AS d
JOIN objects AS o ON o.classid = d.classoid AND o.objid = d.objoid AND o.objsubid = d.objsubid
UNION ALL
SELECT 'security label ' || jsonb_build_array(o.label, s.provider, s.label)::text
FROM pg_seclabel AS s
JOIN objects AS o ON o.classid = s.classoid AND o.objid = s.objoid AND o.objsubid = s.objsubid
UNION ALL
SELECT 'event trigger ' || quote_ident(e.evtname) || ' ' || jsonb_build_array(e.evtevent, e.evtenabled, e.evttags,
  e.evtfoid::regprocedure::text, pg_get_userbyid(e.evtowner))::text
FROM pg_event_trigger AS e
UNION ALL
SELECT 'extension ' || jsonb_build_array(x.extname, x.extversion, pg_get_userbyid(x.extowner))::text FROM pg_extension AS x
UNION ALL
SELECT 'cast ' || jsonb_build_array(k.castsource::regtype::text, k.casttarget::regtype::text, k.castfunc::regprocedure::text,
  k.castcontext, k.castmethod)::text FROM pg_cast AS k WHERE k.oid >= 16384
UNION ALL
SELECT 'operator ' || jsonb_build_array(o.oid::regoperator::text, o.oprcode::regprocedure::text,
  pg_get_userbyid(o.oprowner))::text FROM pg_operator AS o JOIN schemas AS n ON n.oid = o.oprnamespace
UNION ALL
SELECT 'collation ' || jsonb_build_array(format('%I.%I', n.nspname, c.collname),
  to_jsonb(c) - '{oid,collname,collnamespace,collowner}'::text[], pg_get_userbyid(c.collowner))::text
FROM pg_collation AS c JOIN schemas AS n ON n.oid = c.collnamespace
UNION ALL
SELECT 'server ' || jsonb_build_array(s.srvname, s.srvoptions, s.srvacl::text, pg_get_userbyid(s.srvowner))::text
FROM pg_foreign_server AS s
UNION ALL
SELECT 'foreign table ' || jsonb_build_array(c.label, t.ftoptions)::text
FROM pg_foreign_table AS t JOIN classes AS c ON c.oid = t.ftrelid
UNION ALL
SELECT 'setting ' || jsonb_build_array(coalesce(r.rolname, ''), s.setconfig)::text
FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole
WHERE s.setdatabase = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
)sql";

std::vector<std::string> sorted_column(const Rows& rows) {
  std::vector<std::string> texts;
  texts.reserve(rows.size());
  for (const Row& row : rows) texts.push_back(row.at(0).value_or("NULL: a row of the oracle has no text"));
  std::sort(texts.begin(), texts.end());
  return texts;
}

}  // namespace

std::vector<std::string> catalog_rows(Client& client, const OracleOptions& options) {
  std::string query = kCatalog;
  const std::string mark = "$ORDER$";
  // The server lists the columns of a statistics object in the table's order, too.
  for (std::size_t at = query.find(mark); at != std::string::npos; at = query.find(mark)) {
    query.replace(at, mark.size(), options.ignore_column_order ? "false" : "true");
  }
  return sorted_column(client.exec("SET LOCAL search_path = pg_catalog; SET LOCAL jit = off;" + query));
}

std::vector<std::string> table_rows(Client& client, const std::string& table) {
  const Rows columns = client.query(
      "SELECT quote_ident(attname), quote_literal(attname) FROM pg_catalog.pg_attribute WHERE attrelid = $1::regclass"
      " AND attnum > 0 AND NOT attisdropped ORDER BY attname",
      {table});
  std::string list;
  for (const Row& column : columns) {
    list += (list.empty() ? "" : " || ', ' || ") + *column[1] + " || '=' || coalesce(quote_literal(t." + *column[0] +
            "::text), 'NULL')";
  }
  return sorted_column(client.query("SELECT " + (list.empty() ? "''" : list) + " FROM " + table + " AS t"));
}

std::vector<std::string> row_differences(const std::vector<std::string>& before,
                                         const std::vector<std::string>& after) {
  std::vector<std::string> lost;
  std::vector<std::string> gained;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(lost));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(gained));
  std::vector<std::string> rows;
  for (const std::string& row : lost) rows.push_back("- " + row);
  for (const std::string& row : gained) rows.push_back("+ " + row);
  return rows;
}

}  // namespace falsework::test
