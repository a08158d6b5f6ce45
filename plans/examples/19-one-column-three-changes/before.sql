CREATE TABLE people (id integer PRIMARY KEY, age smallint, name text);
CREATE INDEX people_age ON people (age);
INSERT INTO people SELECT i, nullif(i % 90, 0), 'p' || i FROM generate_series(1, 200) AS i;
