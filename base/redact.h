// Keeps secrets out of everything that is printed or stored.
#pragma once

#include <string>
#include <string_view>

namespace falsework {

// Replaces the password in libpq URLs (user:password@, ?password=) and keyword strings (password=…) by `***`.
std::string redact(std::string_view text);

}  // namespace falsework
