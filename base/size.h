// Sizes in bytes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace falsework {

// Parses `512kB`, `64MB`, `200GB`, `2TB` as PostgreSQL does, in powers of 1024; nothing else (a number without a unit,
// or one that is too large, is refused).
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace falsework
