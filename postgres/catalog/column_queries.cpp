#include <fmt/format.h>

#include "postgres/catalog/catalog_queries.h"
#include "postgres/catalog/query_parts.h"

namespace falsework::pg {

namespace {

std::string storage(const std::string& column) {
  return fmt::format("CASE {} WHEN 'p' THEN 'plain' WHEN 'm' THEN 'main' WHEN 'e' THEN 'external' ELSE 'extended' END",
                     column);
}

// TypeShape of every type that a column of the scope has, as `shapes(id, modifier, shape)`.
// Equality: as the type cache finds it (typcache.c): a default btree or hash class of the type itself or of one that it
// is binary-coercible to; enums, ranges and multiranges have theirs as polymorphic types.
std::string type_shapes() {
  return "used AS MATERIALIZED (SELECT DISTINCT atttypid AS id, atttypmod AS modifier FROM pg_attribute"
         " WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped),"
         " seeds AS (SELECT t.oid FROM pg_type t WHERE t.oid IN (SELECT id FROM used) OR t.oid IN"
         " (SELECT e.typelem FROM used u JOIN pg_type e ON e.oid = u.id)),"
         " walk(id, base, modifier, constrained) AS (SELECT t.oid, t.typbasetype, t.typtypmod,"
         " t.typnotnull OR EXISTS (SELECT FROM pg_constraint k WHERE k.contypid = t.oid)"
         " FROM pg_type t WHERE t.typtype = 'd' AND t.oid IN (SELECT oid FROM seeds)"
         " UNION ALL SELECT w.id, t.typbasetype, t.typtypmod, w.constrained OR t.typnotnull OR EXISTS"
         " (SELECT FROM pg_constraint k WHERE k.contypid = t.oid)"
         " FROM walk w JOIN pg_type t ON t.oid = w.base AND t.typtype = 'd'),"
         " domains AS MATERIALIZED (SELECT w.* FROM walk w JOIN pg_type t ON t.oid = w.base AND t.typtype <> 'd'),"
         " classes AS MATERIALIZED (SELECT o.opcintype AS id FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod"
         " WHERE o.opcdefault AND m.amname IN ('btree', 'hash')),"
         " comparable AS MATERIALIZED (SELECT id FROM classes UNION SELECT k.castsource FROM pg_cast k"
         " JOIN classes o ON o.id = k.casttarget WHERE k.castmethod = 'b' AND k.castcontext = 'i'"
         " UNION SELECT t.oid FROM pg_type t WHERE t.typtype IN ('e', 'r', 'm')),"
         " shapes AS MATERIALIZED (SELECT u.id, u.modifier, " +
         part("format_type(u.id, u.modifier) AS name, " + qualified("n.nspname", "t.typname") +
              " AS base, u.modifier, t.typtype AS kind, el.array AS is_array, t.typcollation <> 0 AS collatable,"
              " format_type(d.base, d.modifier) AS domain_base, coalesce(d.constrained, false) AS domain_constrained,"
              " CASE WHEN bt.typtype = 'c' THEN NOT EXISTS (SELECT FROM pg_attribute ca JOIN pg_type ct"
              " ON ct.oid = ca.atttypid WHERE ca.attrelid = bt.typrelid AND ca.attnum > 0 AND NOT ca.attisdropped"
              " AND ct.typtype = 'b' AND ct.oid NOT IN (SELECT id FROM comparable)"
              " AND ct.typelem NOT IN (SELECT id FROM comparable))"
              " ELSE bt.oid IN (SELECT id FROM comparable) END AS has_equality") +
         " AS shape FROM used u JOIN pg_type t ON t.oid = u.id JOIN pg_namespace n ON n.oid = t.typnamespace"
         " LEFT JOIN domains d ON d.id = t.oid"
         " LEFT JOIN pg_type ut ON ut.oid = coalesce(d.base, t.oid),"
         " LATERAL (SELECT t.typlen = -1 AND t.typelem <> 0 AND t.typtype = 'b'"
         " AND t.typsubscript = 'array_subscript_handler'::regproc AS array,"
         " CASE WHEN ut.typelem <> 0 AND ut.typlen = -1 AND ut.typsubscript = 'array_subscript_handler'::regproc"
         " THEN ut.typelem ELSE ut.oid END AS id) el"
         " LEFT JOIN domains ed ON ed.id = el.id JOIN pg_type bt ON bt.oid = coalesce(ed.base, el.id))";
}

}  // namespace

std::string columns_query() {
  return "WITH RECURSIVE " + type_shapes() +
         // Materialized: as a security barrier the view would be evaluated anew for each column.
         ", stats AS MATERIALIZED (SELECT schemaname, tablename, attname, inherited, null_frac, avg_width FROM "
         "pg_stats),"
         " owned AS MATERIALIZED (SELECT d.refobjid AS relation, d.refobjsubid AS number,"
         " array_agg(to_json(s.shape) ORDER BY d.deptype DESC, s.oid) AS sequences"
         " FROM pg_depend d JOIN LATERAL (SELECT sc.oid, " +
         part(sequence_members()) +
         " AS shape FROM pg_sequence s JOIN pg_class sc ON sc.oid = s.seqrelid"
         " JOIN pg_namespace sn ON sn.oid = sc.relnamespace WHERE s.seqrelid = d.objid) s ON true"
         " WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1::oid[]) AND d.refobjsubid <> 0"
         " AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') GROUP BY 1, 2)"
         " SELECT a.attrelid, " +
         part(
             "a.attname AS name, a.attnum AS position, sh.shape AS type,"
             " CASE WHEN a.attcollation <> t.typcollation THEN " +
             qualified("con.nspname", "co.collname") +
             " END AS collation,"
             // 18: attnotnull is set while the constraint is still NOT VALID (PG docs, catalog-pg-attribute).
             " a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid"
             " AND k.contype = 'n' AND NOT k.convalidated AND k.conkey = ARRAY[a.attnum]) AS not_null,"
             " pg_get_expr(ad.adbin, ad.adrelid) AS default_expression, a.attidentity AS identity,"
             " a.attgenerated AS generated, o.sequences[1] AS owned_sequence, o.sequences[2:] AS other_sequences, " +
             storage("a.attstorage") + " AS storage, " + storage("t.typstorage") +
             " AS type_storage,"
             " CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' ELSE '' END AS compression,"
             " coalesce(a.attstattarget, -1) AS statistics_target,"
             // pg_attver is a mark of the server's own (a WAL position, in 15.20 of Debian), which nobody can set.
             " (SELECT array_agg(op.text ORDER BY op.place) FROM unnest(a.attoptions) WITH ORDINALITY op(text, place)"
             " WHERE op.text NOT LIKE 'pg\\_attver=%') AS options,"
             " a.attacl IS NOT NULL AS has_acl, a.attacl::text[] AS acl,"
             " (SELECT array_agg(g.statement ORDER BY g.place, g.is_grantable) FROM (" +
             grants("a.attacl", "' ({column})'",
                    quoted_beside_placeholder("n.nspname::text") + " || '.' || " +
                        quoted_beside_placeholder("c.relname::text")) +
             ") g) AS grants, col_description(c.oid, a.attnum) AS comment,"
             " (SELECT json_object_agg(sl.provider, sl.label ORDER BY sl.provider) FROM pg_seclabel sl"
             " WHERE sl.classoid = 'pg_class'::regclass AND sl.objoid = c.oid AND sl.objsubid = a.attnum)"
             " AS security_labels,"
             " st.null_frac AS null_fraction, st.avg_width AS average_width") +
         " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
         " JOIN pg_type t ON t.oid = a.atttypid JOIN shapes sh ON sh.id = a.atttypid AND sh.modifier = a.atttypmod"
         " LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum"
         " LEFT JOIN pg_collation co ON co.oid = a.attcollation LEFT JOIN pg_namespace con ON con.oid = "
         "co.collnamespace"
         " LEFT JOIN owned o ON o.relation = a.attrelid AND o.number = a.attnum"
         " LEFT JOIN stats st ON st.schemaname = n.nspname AND st.tablename = c.relname"
         " AND st.attname = a.attname AND st.inherited = (c.relkind = 'p')"
         " WHERE a.attrelid = ANY ($1::oid[]) AND c.relkind IN ('r', 'p', 'f') AND a.attnum > 0"
         " AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum";
}

}  // namespace falsework::pg
