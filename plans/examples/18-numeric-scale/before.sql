CREATE TABLE prices (id integer PRIMARY KEY, amount numeric(10,2) NOT NULL DEFAULT 1.5, net numeric(10,2));
CREATE INDEX prices_amount ON prices (amount) WHERE amount > 10;
INSERT INTO prices SELECT i, i * 1.25, i FROM generate_series(1, 200) AS i;
