-- falsework: name=users_phone contract=2027.01
ALTER TABLE users ALTER COLUMN phone SET NOT NULL;   -- falsework: fill=''
ALTER TABLE users ALTER COLUMN visits SET NOT NULL;  -- falsework: fill=0
