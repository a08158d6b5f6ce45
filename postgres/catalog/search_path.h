// The value of the setting search_path, as a list.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace falsework::pg {

// Splits it as the server does: unquoted names fold to lower case, `$user` stays as it is. Empty names are left out.
std::vector<std::string> parse_search_path(std::string_view setting);

}  // namespace falsework::pg
