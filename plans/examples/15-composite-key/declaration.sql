-- falsework: name=accounts_key switch=2026.12 contract=2027.01
ALTER TABLE accounts RENAME COLUMN tenant TO tenant_id;
ALTER TABLE entries RENAME COLUMN account TO account_number;
