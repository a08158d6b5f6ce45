-- falsework: name=documents_jsonb switch=2026.12 contract=2027.01
ALTER TABLE documents ALTER COLUMN body TYPE jsonb;       -- falsework: accept=data_loss
ALTER TABLE documents RENAME COLUMN feeling TO mood;
