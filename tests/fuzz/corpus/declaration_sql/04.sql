-- falsework: name=orders_bigint switch=2026.12 contract=2027.01
ALTER TABLE orders ALTER COLUMN id TYPE bigint;
