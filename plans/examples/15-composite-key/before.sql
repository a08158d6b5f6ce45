CREATE TABLE accounts (tenant integer, number integer, name text, PRIMARY KEY (tenant, number));
CREATE TABLE entries (
  id bigint PRIMARY KEY,
  tenant integer NOT NULL,
  account integer NOT NULL,
  amount numeric NOT NULL,
  CONSTRAINT entries_account FOREIGN KEY (tenant, account) REFERENCES accounts (tenant, number) ON UPDATE CASCADE
);
CREATE INDEX entries_account_idx ON entries (tenant, account);
INSERT INTO accounts SELECT i % 4, i, 'account ' || i FROM generate_series(1, 60) AS i;
INSERT INTO entries SELECT i, (1 + i % 60) % 4, 1 + i % 60, i FROM generate_series(1, 300) AS i;
