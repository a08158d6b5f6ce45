-- falsework: name=users_email_address switch=2026.12 contract=2027.01
ALTER TABLE users RENAME COLUMN email TO email_address;
