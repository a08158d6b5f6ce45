-- falsework: name=meetings_zone switch=2026.12 contract=2027.01
ALTER TABLE meetings ALTER COLUMN starts TYPE timestamptz;  -- falsework: time_zone=Europe/Berlin
ALTER TABLE meetings ALTER COLUMN ends TYPE timestamptz;    -- falsework: time_zone=UTC
