CREATE TABLE invoices (id integer PRIMARY KEY, total numeric(10,2), currency text, CONSTRAINT currency_given CHECK (currency IS NOT NULL));
INSERT INTO invoices SELECT i, i * 10, 'EUR' FROM generate_series(1, 200) AS i;
