ALTER TABLE users RENAME COLUMN email TO email_address;
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
ALTER SEQUENCE orders_id_seq AS bigint;
UPDATE users SET phone = '' WHERE phone IS NULL;
ALTER TABLE users ALTER COLUMN phone SET NOT NULL;
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);
