-- falsework: name=readings_value switch=2026.12 contract=2027.01
ALTER TABLE readings ALTER COLUMN value TYPE integer USING value::integer;  -- falsework: down=(value::text)
