-- falsework: name=odd_names switch=2026.12 contract=2027.01
ALTER TABLE "Größe Ω"."select ""from"" where" RENAME COLUMN "E-Mail des Kunden, wie sie im Vertrag steht (mit Nachtrag 17)" TO "✉ $1";
ALTER TABLE "Größe Ω"."select ""from"" where" ALTER COLUMN "user" TYPE bigint;
