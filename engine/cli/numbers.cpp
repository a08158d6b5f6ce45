#include "engine/cli/numbers.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error_kinds.h"

namespace falsework::cli {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::int64_t wal_rate_of(const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const auto number = whole_number(std::string_view(text).substr(0, digits));
  const std::string unit = digits == std::string::npos ? "" : text.substr(digits);
  std::int64_t factor = 0;
  if (unit == "kB") factor = 1024;
  if (unit == "MB") factor = std::int64_t{1} << 20;
  if (unit == "GB") factor = std::int64_t{1} << 30;
  if (number && *number == 0 && unit.empty()) return 0;
  if (!number || factor == 0 || *number > (std::int64_t{1} << 30)) {
    throw Error(errors::kUsage, fmt::format("--wal-rate {} is not understood", text),
                "Write bytes per second with a unit, as in 500kB, 16MB or 1GB; 0 is without limit.");
  }
  return *number * factor;
}

}  // namespace falsework::cli
