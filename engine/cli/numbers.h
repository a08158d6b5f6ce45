// Numbers as options write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace falsework::cli {

// Digits alone; nullopt for anything else.
std::optional<std::int64_t> whole_number(std::string_view text);

// Bytes per second of --wal-rate: `16MB`, `500kB`, `1GB` in PostgreSQL's units, or 0. Throws Error(usage).
std::int64_t wal_rate_of(const std::string& text);

}  // namespace falsework::cli
