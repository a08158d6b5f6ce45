CREATE TABLE users (id integer PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer, total numeric);
INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 100) AS i;
INSERT INTO orders SELECT i, nullif(i % 100, 0), i FROM generate_series(1, 300) AS i;
