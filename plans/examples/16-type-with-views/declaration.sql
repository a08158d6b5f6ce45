-- falsework: name=items_weight switch=2026.12 contract=2027.01
ALTER TABLE items ALTER COLUMN weight TYPE bigint;
