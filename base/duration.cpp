#include "base/duration.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

namespace falsework {

namespace {

struct Unit {
  std::string_view suffix;
  std::int64_t milliseconds;
};

// Largest first.
constexpr std::array<Unit, 5> kUnits{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  // from_chars would take a minus sign; a duration has none.
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [rest, failure] = std::from_chars(text.data(), end, count);
  if (failure != std::errc{}) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : kUnits) {
    if (unit.suffix != suffix) continue;
    if (count > std::numeric_limits<std::int64_t>::max() / unit.milliseconds) return std::nullopt;
    return std::chrono::milliseconds(count * unit.milliseconds);
  }
  return std::nullopt;
}

std::string render_duration(std::chrono::milliseconds duration) {
  const std::int64_t total = duration.count();
  if (total == 0) return "0s";
  for (const Unit& unit : kUnits) {
    if (total % unit.milliseconds == 0) return fmt::format("{}{}", total / unit.milliseconds, unit.suffix);
  }
  return fmt::format("{}ms", total);
}

std::string humanize(std::chrono::milliseconds duration) {
  const std::int64_t total = duration.count();
  if (total < 0) return "-" + humanize(-duration);
  if (total < 1'000) return fmt::format("{}ms", total);
  if (total < 10'000) return fmt::format("{}.{}s", total / 1'000, total % 1'000 / 100);
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const Unit& unit = kUnits[i];
    if (total < unit.milliseconds) continue;
    const Unit& next = kUnits[i + 1];
    const std::int64_t rest = unit.suffix == "s" ? 0 : total % unit.milliseconds / next.milliseconds;
    const std::string whole = fmt::format("{}{}", total / unit.milliseconds, unit.suffix);
    return rest == 0 ? whole : fmt::format("{} {}{}", whole, rest, next.suffix);
  }
  return fmt::format("{}ms", total);
}

}  // namespace falsework
