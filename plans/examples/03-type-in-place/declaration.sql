-- falsework: name=products_wider
ALTER TABLE products ALTER COLUMN code TYPE text;
ALTER TABLE products ALTER COLUMN price TYPE numeric(14,2), ALTER COLUMN at TYPE timestamp without time zone;
