DROP VIEW "Größe Ω"."%s $$ view";
ALTER TABLE "Größe Ω"."select ""from"" where" RENAME COLUMN "E-Mail des Kunden, wie sie im Vertrag steht (mit Nachtrag 17)" TO "✉ $1";
ALTER TABLE "Größe Ω"."select ""from"" where" ALTER COLUMN "user" TYPE bigint;
CREATE VIEW "Größe Ω"."%s $$ view" AS SELECT "Id" AS "ID", "user" FROM "Größe Ω"."select ""from"" where";
