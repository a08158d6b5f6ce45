CREATE TABLE meetings (id integer PRIMARY KEY, starts timestamp without time zone NOT NULL, ends timestamp without time zone);
CREATE INDEX meetings_starts ON meetings (starts);
INSERT INTO meetings SELECT i, '2026-03-01 12:00'::timestamp + i * interval '1 day', '2026-03-01 13:00'::timestamp + i * interval '1 day' FROM generate_series(1, 200) AS i;
