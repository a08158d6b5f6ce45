-- What one would like to write, and cannot on a live server: each of these stops the shop for as long as it takes.
UPDATE users SET phone = '' WHERE phone IS NULL;
ALTER TABLE users RENAME COLUMN email TO email_address;
DROP VIEW order_overview;
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
ALTER TABLE order_lines ALTER COLUMN order_id TYPE bigint;
ALTER SEQUENCE orders_id_seq AS bigint;
CREATE VIEW order_overview AS
  SELECT o.id, o.state, o.cents, u.email_address AS email
  FROM orders o JOIN users u ON u.id = o.user_id;
COMMENT ON VIEW order_overview IS 'for the help desk';
GRANT SELECT ON order_overview TO PUBLIC;
ALTER TABLE users ALTER COLUMN phone SET NOT NULL;
ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);
