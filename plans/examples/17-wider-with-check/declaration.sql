-- falsework: name=tags_wider
ALTER TABLE tags ALTER COLUMN tag TYPE varchar(40);
