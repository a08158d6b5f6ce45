CREATE TABLE tags (id integer PRIMARY KEY, tag varchar(10) NOT NULL CHECK (tag <> 'reserved'), CONSTRAINT tag_short CHECK (length(tag) < 100) NOT VALID);
COMMENT ON CONSTRAINT tag_short ON tags IS 'since 2025';
CREATE UNIQUE INDEX tags_tag ON tags (tag);
INSERT INTO tags SELECT i, 't' || i FROM generate_series(1, 100) AS i;
