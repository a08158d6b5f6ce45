-- falsework: name=prices_scale switch=2026.12 contract=2027.01
ALTER TABLE prices ALTER COLUMN amount TYPE numeric(12,4);
