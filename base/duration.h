// Durations as people write them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace falsework {

// Parses `250ms`, `5s`, `3m`, `2h`, `7d`; nothing else (a number without a unit is refused).
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

// Renders in the largest unit that keeps it exact: 90000 ms -> `90s`, 7200000 -> `2h`.
std::string render_duration(std::chrono::milliseconds duration);

// Renders for people, two units at most: `1h 12m`, `3.4s`, `120ms`.
std::string humanize(std::chrono::milliseconds duration);

}  // namespace falsework
