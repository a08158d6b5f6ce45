-- falsework: name=counters_narrow switch=2026.12 contract=2027.01
ALTER TABLE counters ALTER COLUMN hits TYPE integer;
ALTER TABLE counters ALTER COLUMN label TYPE varchar(40);
