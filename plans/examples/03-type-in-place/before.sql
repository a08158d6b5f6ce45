CREATE TABLE products (
  id integer PRIMARY KEY,
  code character varying(20) NOT NULL DEFAULT 'none',
  price numeric(10,2),
  at timestamp(3) without time zone
);
CREATE INDEX products_code ON products (code);
INSERT INTO products SELECT i, 'p' || i, i * 1.25, '2026-01-01'::timestamp + i * interval '1 hour' FROM generate_series(1, 200) AS i;
