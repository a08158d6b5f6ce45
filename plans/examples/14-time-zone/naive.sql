ALTER TABLE meetings ALTER COLUMN starts TYPE timestamptz USING starts AT TIME ZONE 'Europe/Berlin';
ALTER TABLE meetings ALTER COLUMN ends TYPE timestamptz USING ends AT TIME ZONE 'UTC';
