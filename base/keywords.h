// The words that PostgreSQL's grammar knows, so that quoting can tell them from names.
//
// One rule: the list only grows; quoting a word that some version does not know is harmless.
#pragma once

#include <string_view>

namespace falsework {

// Whether PostgreSQL 14 to 18 have this keyword, of any category; `word` in lower case.
bool is_keyword(std::string_view word);

}  // namespace falsework
