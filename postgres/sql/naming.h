// Which statements name a column: found by PostgreSQL's parser, so that a comment, a literal, an alias or another
// table's column of the same name is not taken for it.
//
// One rule: in doubt a column counts as named. What cannot be parsed (newer syntax, a text that was cut) is judged by
// its tokens; a name that could be that of two tables counts. `SELECT *` and whole rows name no column.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/identifier.h"

namespace falsework::pg {

// Whether a statement names the column. A relation without schema is taken for the table if its name fits.
bool names_column(const std::string& statement, const QualifiedName& table, const std::string& column);

// Whether a statement sets the setting to this value: `SET name = 'value'`, or set_config() with constants.
bool sets_to(const std::string& statement, std::string_view setting, std::string_view value);

// Whether a name occurs among the tokens of a text, string constants (dynamic SQL) included; comments do not count.
bool mentions_name(const std::string& text, std::string_view name);

// Why a text is not one SELECT, in words; nullopt when it is.
std::optional<std::string> why_not_a_query(const std::string& text);

}  // namespace falsework::pg
