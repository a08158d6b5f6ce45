CREATE TABLE users (id serial PRIMARY KEY, email text UNIQUE NOT NULL, phone text);
CREATE TABLE orders (id serial PRIMARY KEY, user_id integer, total integer NOT NULL DEFAULT 0);
INSERT INTO users (email, phone) SELECT 'u' || i || '@example.com', CASE WHEN i % 2 = 0 THEN i::text END FROM generate_series(1, 100) AS i;
INSERT INTO orders (user_id, total) SELECT 1 + i % 100, i FROM generate_series(1, 300) AS i;
