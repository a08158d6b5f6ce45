CREATE SCHEMA "Größe Ω";
CREATE TABLE "Größe Ω"."select ""from"" where" (
  "Id" integer PRIMARY KEY,
  "E-Mail des Kunden, wie sie im Vertrag steht (mit Nachtrag 17)" text NOT NULL,
  "user" integer DEFAULT 7
);
CREATE INDEX "ein Index mit einem Namen, der genau so lang ist, wie er darf -" ON "Größe Ω"."select ""from"" where" ("E-Mail des Kunden, wie sie im Vertrag steht (mit Nachtrag 17)");
CREATE VIEW "Größe Ω"."%s $$ view" AS SELECT "Id" AS "ID", "user" FROM "Größe Ω"."select ""from"" where";
INSERT INTO "Größe Ω"."select ""from"" where" SELECT i, 'k' || i, i FROM generate_series(1, 100) AS i;
