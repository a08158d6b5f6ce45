CREATE SCHEMA app;
CREATE TABLE app.countries (code text PRIMARY KEY, name text NOT NULL);
INSERT INTO app.countries VALUES ('de', 'Germany'), ('fr', 'France'), ('jp', 'Japan');
CREATE TABLE app.customers (
  id integer PRIMARY KEY,
  email character varying(200) COLLATE "C" DEFAULT 'nobody@example.com' NOT NULL,
  country text,
  note text,
  CONSTRAINT customers_email_check CHECK (email LIKE '%@%'),
  CONSTRAINT customers_country_fkey FOREIGN KEY (country) REFERENCES app.countries (code) ON UPDATE CASCADE DEFERRABLE,
  CONSTRAINT customers_email_key UNIQUE (email) INCLUDE (note)
);
COMMENT ON COLUMN app.customers.email IS 'where we write to';
COMMENT ON CONSTRAINT customers_email_check ON app.customers IS 'a weak test';
ALTER TABLE app.customers ALTER COLUMN email SET STATISTICS 500;
ALTER TABLE app.customers ALTER COLUMN email SET STORAGE MAIN;
ALTER TABLE app.customers ALTER COLUMN email SET (n_distinct = -0.5);
CREATE INDEX customers_lower_email ON app.customers (lower(email::text));
CREATE INDEX customers_german_email ON app.customers (email DESC NULLS LAST, country) WHERE country = 'de' AND email IS NOT NULL;
CREATE INDEX customers_pattern ON app.customers (email varchar_pattern_ops) WITH (fillfactor = 80);
COMMENT ON INDEX app.customers_lower_email IS 'for the log-in page';
CREATE STATISTICS app.customers_email_country (dependencies, mcv) ON email, country FROM app.customers;
COMMENT ON STATISTICS app.customers_email_country IS 'addresses tell the country';
CREATE VIEW app.addresses WITH (security_barrier = true) AS SELECT id, email, upper(note) AS note FROM app.customers;
COMMENT ON VIEW app.addresses IS 'for the newsletter';
CREATE VIEW app.short_addresses AS SELECT id, email FROM app.addresses WHERE length(email::text) < 20;
GRANT SELECT ON app.addresses TO PUBLIC;
GRANT SELECT (email), UPDATE (email) ON app.customers TO PUBLIC;
ALTER TABLE app.customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON app.customers USING (email::text <> 'hidden@example.com') WITH CHECK (email IS NOT NULL);
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER on_email BEFORE UPDATE OF email ON app.customers FOR EACH ROW WHEN (OLD.email IS DISTINCT FROM NEW.email) EXECUTE FUNCTION app.touch();
INSERT INTO app.customers SELECT i, 'c' || i || '@example.com', (ARRAY['de', 'fr', 'jp', NULL])[1 + i % 4], 'note ' || i FROM generate_series(1, 300) AS i;
