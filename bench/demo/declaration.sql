-- falsework: name=shop switch=2026.12 contract=2027.01
ALTER TABLE users RENAME COLUMN email TO email_address;
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
ALTER TABLE users ALTER COLUMN phone SET NOT NULL;            -- falsework: fill=''
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);
