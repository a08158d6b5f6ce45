// Names that PostgreSQL gives when the DDL names nothing, and names of ours.
#pragma once

#include <string>
#include <vector>

#include "postgres/catalog/snapshot.h"

namespace falsework {

// The name that `ADD FOREIGN KEY` without a name would get: `orders_user_id_fkey`, cut and numbered as the server does
// (indexcmds.c ChooseConstraintName, makeObjectName).
std::string default_foreign_key_name(const pg::Table& table, const std::vector<std::string>& columns);

// The name that SET NOT NULL gives its constraint on PostgreSQL 18: `users_phone_not_null`.
std::string default_not_null_name(const pg::Table& table, const std::string& column);

// `table.column` for people and step ids, without `public.`
std::string display_column(const QualifiedName& table, const std::string& column);

}  // namespace falsework
