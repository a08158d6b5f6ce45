#include "postgres/catalog/fingerprint.h"

namespace falsework::pg {

namespace {

// One text for 14–18: columns that a version lacks are read through to_jsonb of the row, which gives NULL for them.
// A table's privileges, options and size are not here: no plan relies on them. Nor are OIDs and attribute numbers: the
// same schema gives the same digests wherever it is. pg_attver is a mark of the server's own, no option.
constexpr const char* kQuery = R"sql(
WITH RECURSIVE asked AS MATERIALIZED (
  SELECT DISTINCT regexp_replace(w.name, '^public[.]', '') AS label, to_regclass(w.name)::oid AS oid
  FROM unnest($1::text[]) AS w(name)
), relations AS MATERIALIZED (
  SELECT a.label, c.* FROM asked AS a JOIN pg_class AS c ON c.oid = a.oid
), reading(label, oid) AS (
  SELECT label, oid FROM relations
  UNION
  SELECT r.label, w.ev_class FROM reading AS r
  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
    AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite AS w ON w.oid = d.objid AND w.rulename = '_RETURN'
), objects(label, object, facts) AS (
  SELECT c.label, 'table', jsonb_build_array(c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
    c.relreplident, c.relrowsecurity, c.relforcerowsecurity, pg_get_partkeydef(c.oid),
    pg_get_expr(c.relpartbound, c.oid),
    (SELECT jsonb_agg(h.inhparent::regclass::text ORDER BY h.inhseqno) FROM pg_inherits AS h
     WHERE h.inhrelid = c.oid),
    (SELECT jsonb_agg(h.inhrelid::regclass::text ORDER BY h.inhrelid::regclass::text) FROM pg_inherits AS h
     WHERE h.inhparent = c.oid))
  FROM relations AS c
  UNION ALL
  SELECT c.label, 'column ' || a.attname, jsonb_build_array(format_type(a.atttypid, a.atttypmod),
    a.attcollation::regcollation::text, a.attnotnull, pg_get_expr(ad.adbin, ad.adrelid), a.attidentity,
    a.attgenerated, a.attstorage, a.attcompression, coalesce(a.attstattarget, -1),
    (SELECT jsonb_agg(o.text ORDER BY o.place) FROM unnest(a.attoptions) WITH ORDINALITY AS o(text, place)
     WHERE o.text NOT LIKE 'pg\_attver=%'), a.attacl::text,
    col_description(c.oid, a.attnum),
    (SELECT jsonb_agg(d.objid::regclass::text ORDER BY d.objid::regclass::text) FROM pg_depend AS d
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = a.attnum
       AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
       AND EXISTS (SELECT FROM pg_sequence AS s WHERE s.seqrelid = d.objid)))
  FROM relations AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef AS ad ON ad.adrelid = c.oid AND ad.adnum = a.attnum
  UNION ALL
  SELECT c.label, 'index ' || ic.relname, jsonb_build_array(pg_get_indexdef(i.indexrelid), i.indisvalid,
    i.indisready, i.indislive, i.indisprimary, i.indimmediate, i.indisreplident, i.indisclustered,
    obj_description(i.indexrelid, 'pg_class'))
  FROM relations AS c JOIN pg_index AS i ON i.indrelid = c.oid JOIN pg_class AS ic ON ic.oid = i.indexrelid
  UNION ALL
  SELECT c.label, 'constraint ' || k.conname, jsonb_build_array(k.contype, pg_get_constraintdef(k.oid),
    k.convalidated, k.condeferrable, k.condeferred, k.connoinherit, to_jsonb(k) -> 'conenforced',
    obj_description(k.oid, 'pg_constraint'))
  FROM relations AS c JOIN pg_constraint AS k ON k.conrelid = c.oid
  UNION ALL
  SELECT c.label, 'reference ' || k.conrelid::regclass::text || '.' || quote_ident(k.conname),
    jsonb_build_array(pg_get_constraintdef(k.oid), k.convalidated, to_jsonb(k) -> 'conenforced')
  FROM relations AS c JOIN pg_constraint AS k ON k.confrelid = c.oid AND k.conrelid <> c.oid AND k.conparentid = 0
  UNION ALL
  SELECT c.label, 'trigger ' || t.tgname, jsonb_build_array(pg_get_triggerdef(t.oid), t.tgenabled, p.prosrc,
    p.prosecdef, p.proconfig, pg_get_userbyid(p.proowner))
  FROM relations AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid AND NOT t.tgisinternal
  JOIN pg_proc AS p ON p.oid = t.tgfoid
  UNION ALL
  SELECT c.label, 'policy ' || p.polname, jsonb_build_array(p.polcmd, p.polpermissive,
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
    (SELECT jsonb_agg(CASE r.id WHEN 0 THEN '' ELSE pg_get_userbyid(r.id) END
            ORDER BY CASE r.id WHEN 0 THEN '' ELSE pg_get_userbyid(r.id) END)
     FROM unnest(p.polroles) AS r(id)), obj_description(p.oid, 'pg_policy'))
  FROM relations AS c JOIN pg_policy AS p ON p.polrelid = c.oid
  UNION ALL
  SELECT c.label, 'statistics ' || s.stxname, jsonb_build_array(pg_get_statisticsobjdef(s.oid),
    coalesce(s.stxstattarget, -1), obj_description(s.oid, 'pg_statistic_ext'))
  FROM relations AS c JOIN pg_statistic_ext AS s ON s.stxrelid = c.oid
  UNION ALL
  SELECT c.label, 'rule ' || w.rulename, jsonb_build_array(pg_get_ruledef(w.oid), w.ev_enabled)
  FROM relations AS c JOIN pg_rewrite AS w ON w.ev_class = c.oid AND w.rulename <> '_RETURN'
  UNION ALL
  SELECT r.label,
    'view ' || CASE n.nspname WHEN 'public' THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(v.relname),
    jsonb_build_array(v.relkind, pg_get_viewdef(v.oid), pg_get_userbyid(v.relowner), v.relacl::text, v.reloptions,
      (SELECT jsonb_object_agg(d.objsubid, d.description) FROM pg_description AS d
       WHERE d.classoid = 'pg_class'::regclass AND d.objoid = v.oid),
      (SELECT jsonb_agg(pg_get_indexdef(i.indexrelid) ORDER BY pg_get_indexdef(i.indexrelid)) FROM pg_index AS i
       WHERE i.indrelid = v.oid))
  FROM reading AS r JOIN pg_class AS v ON v.oid = r.oid AND v.relkind IN ('v', 'm')
  JOIN pg_namespace AS n ON n.oid = v.relnamespace
  UNION ALL
  SELECT c.label, 'publication ' || p.pubname, jsonb_build_array(
    (SELECT jsonb_agg(a.attname ORDER BY a.attname) FROM pg_attribute AS a WHERE a.attrelid = c.oid
     AND to_jsonb(r) -> 'prattrs' @> to_jsonb(a.attnum)),
    (SELECT to_jsonb(m) ->> 'rowfilter' FROM pg_publication_tables AS m JOIN pg_namespace AS n
     ON n.nspname = m.schemaname WHERE m.pubname = p.pubname AND n.oid = c.relnamespace AND m.tablename = c.relname))
  FROM relations AS c JOIN pg_publication_rel AS r ON r.prrelid = c.oid JOIN pg_publication AS p ON p.oid = r.prpubid
)
SELECT label, object, left(encode(sha256(convert_to(facts::text, 'UTF8')), 'hex'), 32) AS digest
FROM objects ORDER BY label COLLATE "C", object COLLATE "C"
)sql";

}  // namespace

const std::string& fingerprint_query() {
  static const std::string query = kQuery;
  return query;
}

}  // namespace falsework::pg
