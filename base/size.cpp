#include "base/size.h"

#include <charconv>
#include <limits>

namespace falsework {

std::optional<std::int64_t> parse_size(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || number < 0 || text.front() == '-') return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  int power = 0;
  if (unit == "kB") power = 10;
  if (unit == "MB") power = 20;
  if (unit == "GB") power = 30;
  if (unit == "TB") power = 40;
  if (power == 0 || number > (std::numeric_limits<std::int64_t>::max() >> power)) return std::nullopt;
  return number << power;
}

}  // namespace falsework
