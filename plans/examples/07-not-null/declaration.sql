-- falsework: name=invoices_total switch=2026.12
ALTER TABLE invoices ALTER COLUMN total SET NOT NULL, ALTER COLUMN currency SET NOT NULL;
