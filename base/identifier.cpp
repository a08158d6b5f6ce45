#include "base/identifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "base/hash.h"
#include "base/keywords.h"

namespace falsework {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The length of the well-formed UTF-8 character at the front, or 0 (overlong forms and surrogates are not well formed;
// Unicode 15, table 3-7).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80U) return 1;
  const std::size_t length = first < 0xC2U ? 0 : first < 0xE0U ? 2 : first < 0xF0U ? 3 : first < 0xF5U ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  const unsigned char second = byte(1);
  if (first == 0xE0U && second < 0xA0U) return 0;
  if (first == 0xEDU && second > 0x9FU) return 0;
  if (first == 0xF0U && second < 0x90U) return 0;
  if (first == 0xF4U && second > 0x8FU) return 0;
  return length;
}

bool is_plain(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!letter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

std::string doubled(std::string_view text, char quote, bool escape_backslash) {
  std::string result;
  result.reserve(text.size() + 2);
  result += quote;
  for (const char c : text) {
    if (c == quote || (escape_backslash && c == '\\')) result += c;
    result += c;
  }
  result += quote;
  return result;
}

// What a person recognises, in characters that need no quoting.
std::string readable(const std::vector<std::string>& parts) {
  std::string result;
  for (const std::string& part : parts) {
    if (!result.empty()) result += '_';
    for (const char c : part) {
      const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '_';
      if (plain) {
        result += lower;
      } else if (!result.empty() && result.back() != '_') {
        result += '_';
      }
    }
  }
  while (!result.empty() && result.back() == '_') result.pop_back();
  return result;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string quote_identifier(std::string_view name) {
  if (name.empty()) throw Error(errors::kUsage, "an identifier is empty", "Give the object a name.");
  if (name.find('\0') != std::string_view::npos) {
    throw Error(errors::kUsage, "an identifier contains a NUL byte", "PostgreSQL has no such names.");
  }
  if (!is_utf8(name)) {
    throw Error(errors::kUsage, "an identifier is not valid UTF-8", "Write the file that names it in UTF-8.");
  }
  if (is_plain(name) && !is_keyword(name)) return std::string(name);
  return doubled(name, '"', false);
}

std::string quote_literal(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(errors::kUsage, "a text value contains a NUL byte", "PostgreSQL cannot store such a text.");
  }
  // E'…' means the same whatever standard_conforming_strings says; '…' with a backslash does not.
  const bool escape = text.find('\\') != std::string_view::npos;
  return (escape ? "E" : "") + doubled(text, '\'', escape);
}

std::string quote_identifiers(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += quote_identifier(name);
  }
  return list;
}

std::string dollar_quote(std::string_view body) {
  if (body.find('\0') != std::string_view::npos) {
    throw Error(errors::kUsage, "a text value contains a NUL byte", "PostgreSQL cannot store such a text.");
  }
  std::string tag = "$fw$";
  // A body that ends in `$fw` would close itself together with the first `$` of the closing tag.
  const std::string padded = std::string(body) + "$";
  for (int i = 1; padded.find(tag) != std::string::npos; ++i) tag = fmt::format("$fw{}$", i);
  return tag + std::string(body) + tag;
}

std::string QualifiedName::sql() const { return quote_identifier(schema) + "." + quote_identifier(name); }

std::string QualifiedName::display() const { return schema == "public" ? quote_identifier(name) : sql(); }

std::string_view cut_utf8(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && is_continuation(text[end])) --end;
  return text.substr(0, end);
}

std::string generated_name(std::string_view role, const std::vector<std::string>& parts) {
  constexpr std::size_t kHashDigits = 10;
  // Lengths go into the hash, so that {"a_b"} and {"a", "b"} differ.
  std::string key = fmt::format("{}:{}", role.size(), role);
  for (const std::string& part : parts) key += fmt::format(",{}:{}", part.size(), part);
  const std::string hash = sha256(key).substr(0, kHashDigits);
  const std::string prefix = fmt::format("_fw_{}_", role);
  FALSEWORK_CHECK(prefix.size() + kHashDigits < kMaxIdentifierBytes);
  const std::string middle = readable(parts).substr(0, kMaxIdentifierBytes - prefix.size() - kHashDigits - 1);
  return middle.empty() ? prefix + hash : prefix + middle + "_" + hash;
}

}  // namespace falsework
