#include "engine/runbook/visible.h"

#include <fmt/format.h>

#include <set>

namespace falsework::runbook {

namespace {

// The code point at the front and its length; a byte that begins none stands for itself.
std::pair<unsigned, std::size_t> decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0xC0U ? 1 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
  if (length == 1 || text.size() < length) return {first, 1};
  unsigned point = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) point = (point << 6U) | (byte(i) & 0x3FU);
  return {point, length};
}

// Unicode: controls (C0, C1, DEL), zero-width and direction marks, soft hyphen, byte order mark.
bool is_invisible(unsigned point) {
  if (point < 0x20U) return true;
  if (point >= 0x7FU && point <= 0x9FU) return true;
  if (point >= 0x200BU && point <= 0x200FU) return true;
  if (point >= 0x2028U && point <= 0x202EU) return true;
  if (point >= 0x2060U && point <= 0x206FU) return true;
  return point == 0xADU || point == 0x61CU || point == 0xFEFFU;
}

bool is_layout(unsigned point) { return point == '\n' || point == '\r' || point == '\t'; }

}  // namespace

std::string make_visible(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto [point, length] = decode(text);
    if (is_layout(point)) {
      result += ' ';
    } else if (is_invisible(point)) {
      result += fmt::format("<U+{:04X}>", point);
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return result;
}

std::vector<std::string> invisible_characters(std::string_view text) {
  std::set<unsigned> found;
  while (!text.empty()) {
    const auto [point, length] = decode(text);
    if (is_invisible(point) && !is_layout(point)) found.insert(point);
    text.remove_prefix(length);
  }
  std::vector<std::string> result;
  for (const unsigned point : found) result.push_back(fmt::format("U+{:04X}", point));
  return result;
}

}  // namespace falsework::runbook
