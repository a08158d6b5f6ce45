ALTER TABLE orders ALTER COLUMN id TYPE bigint;
ALTER SEQUENCE orders_id_seq AS bigint;
ALTER TABLE orders ALTER COLUMN parent_id TYPE bigint;
ALTER TABLE order_lines ALTER COLUMN order_id TYPE bigint;
ALTER TABLE payments ALTER COLUMN order_id TYPE bigint;
