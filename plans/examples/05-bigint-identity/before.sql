CREATE TABLE events (
  id integer GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 2 CACHE 5) PRIMARY KEY,
  kind text NOT NULL
);
COMMENT ON COLUMN events.id IS 'never shown';
INSERT INTO events (kind) SELECT 'kind ' || i % 5 FROM generate_series(1, 200) AS i;
