CREATE TABLE counters (id integer PRIMARY KEY, hits bigint NOT NULL DEFAULT 0, label text CHECK (label <> ''));
CREATE INDEX counters_hits ON counters (hits) INCLUDE (label);
INSERT INTO counters SELECT i, i * 1000, 'label ' || i FROM generate_series(1, 200) AS i;
