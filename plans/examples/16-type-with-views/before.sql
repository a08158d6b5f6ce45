CREATE TABLE items (id integer PRIMARY KEY, weight integer NOT NULL, name text);
CREATE VIEW heavy AS SELECT id, weight, name FROM items WHERE weight > 100;
CREATE VIEW heavy_names AS SELECT name, weight * 2 AS double FROM heavy;
ALTER VIEW heavy ALTER COLUMN name SET DEFAULT 'nameless';
COMMENT ON VIEW heavy IS 'not by post';
COMMENT ON COLUMN heavy.weight IS 'in grams';
GRANT SELECT ON heavy TO PUBLIC;
GRANT UPDATE (name) ON heavy TO PUBLIC;
INSERT INTO items SELECT i, i * 2, 'item ' || i FROM generate_series(1, 200) AS i;
