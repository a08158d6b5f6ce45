CREATE TABLE users (id integer PRIMARY KEY, phone text, visits integer DEFAULT 0);
INSERT INTO users SELECT i, CASE WHEN i % 3 > 0 THEN '+49 ' || i END, nullif(i % 5, 0) FROM generate_series(1, 300) AS i;
