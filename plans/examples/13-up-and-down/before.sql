CREATE TABLE readings (id integer PRIMARY KEY, value text NOT NULL, unit text);
CREATE INDEX readings_value ON readings (value);
INSERT INTO readings SELECT i, (i * 3)::text, 'm' FROM generate_series(1, 200) AS i;
