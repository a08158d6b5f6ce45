CREATE TABLE places (country text, code text, name text, PRIMARY KEY (country, code));
CREATE TABLE visits (id integer PRIMARY KEY, at_country text, at_code text);
INSERT INTO places SELECT 'c' || i % 5, 'p' || i, 'place ' || i FROM generate_series(1, 50) AS i;
INSERT INTO visits SELECT i, CASE WHEN i % 4 > 0 THEN 'c' || i % 50 % 5 END, CASE WHEN i % 4 > 0 THEN 'p' || nullif(i % 50, 0) END
  FROM generate_series(1, 200) AS i WHERE i % 50 > 0;
