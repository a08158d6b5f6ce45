CREATE TABLE orders (
  id serial PRIMARY KEY,
  parent_id integer REFERENCES orders (id),
  customer text NOT NULL
);
CREATE TABLE order_lines (
  order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  line integer NOT NULL,
  product text,
  PRIMARY KEY (order_id, line)
);
CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id integer,
  amount numeric(10,2) NOT NULL,
  CONSTRAINT payments_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE SET NULL
);
CREATE INDEX payments_order_id ON payments (order_id);
INSERT INTO orders (parent_id, customer) SELECT CASE WHEN i > 10 THEN i - 10 END, 'customer ' || i FROM generate_series(1, 200) AS i;
INSERT INTO order_lines SELECT i, l, 'product ' || l FROM generate_series(1, 200) AS i, generate_series(1, 3) AS l;
INSERT INTO payments (order_id, amount) SELECT nullif(i % 7, 0), i FROM generate_series(1, 200) AS i;
