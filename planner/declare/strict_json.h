// JSON text, read so that nothing in it can be lost: malformed text is refused with line and column, a key that stands
// twice in one object with its path.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace falsework::declare {

// Throws Error(declaration.invalid), whose message begins with `file`.
nlohmann::json parse_strict(const std::string& text, const std::string& file);

// Appends one reference token to a JSON Pointer (RFC 6901): `/changes` + `a/b` -> `/changes/a~1b`.
std::string pointer_to(const std::string& parent, const std::string& token);

}  // namespace falsework::declare
