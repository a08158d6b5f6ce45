-- falsework: name=people_years switch=2026.12 contract=2027.01
ALTER TABLE people RENAME COLUMN age TO years;
ALTER TABLE people ALTER COLUMN years TYPE integer;
ALTER TABLE people ALTER COLUMN years SET NOT NULL;  -- falsework: fill=0
