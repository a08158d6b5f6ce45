CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE documents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body json, feeling mood DEFAULT 'ok');
INSERT INTO documents (body) SELECT json_build_object('n', i, 'text', repeat('x', 50)) FROM generate_series(1, 200) AS i;
