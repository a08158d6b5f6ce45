// Quoting of names where the text must equal what the server prints. Private to postgres/sql.
#pragma once

#include <string>
#include <string_view>

namespace falsework::pg {

// Quotes as the server's quote_identifier() does, which leaves unreserved keywords (`text`, `status`) bare. For text
// that is compared with the catalog's; SQL that is sent uses falsework::quote_identifier.
std::string quote_as_server(std::string_view name);

}  // namespace falsework::pg
