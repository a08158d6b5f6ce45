-- The schema as the server's own catalog tells it, one line per object; the order of columns is left out.
-- Falsework's journal lives in a schema of its own, which stays and is left out too.
WITH rel AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS label
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'falsework')
), line AS (
  SELECT format('relation %s: kind %s, owner %s, privileges %s, options %s, row security %s %s, replica identity %s, comment %s',
                label, relkind, pg_get_userbyid(relowner), relacl, reloptions, relrowsecurity, relforcerowsecurity,
                relreplident, obj_description(oid, 'pg_class')) AS text
  FROM rel
  UNION ALL
  SELECT format('column %s.%I: %s, collation %s, not null %s, default %s, identity %s, generated %s, storage %s, compression %s, '
                'statistics %s, privileges %s, options %s, comment %s',
                label, a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation, a.attnotnull,
                pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage, a.attcompression,
                nullif(a.attstattarget, -1), a.attacl,
                -- pg_attver is a mark that some builds of the server put there, and no option.
                (SELECT array_agg(o) FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\_attver=%'),
                col_description(rel.oid, a.attnum))
  FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = rel.oid AND d.adnum = a.attnum
  WHERE rel.relkind NOT IN ('i', 'S')
  UNION ALL
  SELECT format('constraint %I of %s: %s, validated %s, comment %s', k.conname, label, pg_get_constraintdef(k.oid),
                k.convalidated, obj_description(k.oid, 'pg_constraint'))
  FROM rel JOIN pg_constraint k ON k.conrelid = rel.oid
  UNION ALL
  SELECT format('index %s, valid %s, ready %s, comment %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready,
                obj_description(i.indexrelid, 'pg_class'))
  FROM rel JOIN pg_index i ON i.indrelid = rel.oid
  UNION ALL
  SELECT format('trigger %s, enabled %s', pg_get_triggerdef(t.oid), t.tgenabled)
  FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid AND NOT t.tgisinternal
  UNION ALL
  SELECT format('view %s: %s', label, pg_get_viewdef(oid)) FROM rel WHERE relkind = 'v'
  UNION ALL
  SELECT format('sequence %s: %s from %s, %s to %s by %s, cache %s, cycle %s, owned by %s', label, format_type(s.seqtypid, NULL),
                s.seqstart, s.seqmin, s.seqmax, s.seqincrement, s.seqcache, s.seqcycle,
                (SELECT format('%s.%I', refobjid::regclass, a.attname) FROM pg_depend w
                 JOIN pg_attribute a ON a.attrelid = w.refobjid AND a.attnum = w.refobjsubid
                 WHERE w.classid = 'pg_class'::regclass AND w.objid = rel.oid AND w.deptype IN ('a', 'i')))
  FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid
  UNION ALL
  SELECT format('function %s', p.oid::regprocedure)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'falsework')
  UNION ALL
  SELECT format('type %s', t.oid::regtype)
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'falsework')
)
SELECT text FROM line ORDER BY text COLLATE "C";
