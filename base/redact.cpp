#include "base/redact.h"

#include <algorithm>
#include <cctype>

namespace falsework {

namespace {

constexpr std::string_view kMask = "***";

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (lower(text[i]) != prefix[i]) return false;
  }
  return true;
}

// The bytes that belong to a keyword string's value: `'…'` with backslash escapes, or up to white space. In a URL's
// query it ends at `&` or `#` as well; a bare keyword value may hold those, and is then masked in full below.
std::size_t value_length(std::string_view text, bool in_url) {
  std::size_t i = 0;
  if (!text.empty() && (text.front() == '\'' || text.front() == '"')) {
    const char quote = text.front();
    for (i = 1; i < text.size() && text[i] != quote; ++i) {
      if (text[i] == '\\') ++i;
    }
    // An unclosed quote hides everything up to the end.
    return i < text.size() ? i + 1 : text.size();
  }
  while (i < text.size() && !is_space(text[i])) {
    if (in_url && (text[i] == '&' || text[i] == '#' || text[i] == '\'' || text[i] == '"')) break;
    if (!in_url && text[i] == '\\') ++i;
    ++i;
  }
  return std::min(i, text.size());
}

// If `text` begins with `password =` or the like, the length up to the value; otherwise 0.
std::size_t secret_key_length(std::string_view text) {
  for (const std::string_view key : {std::string_view("password"), std::string_view("passwd"),
                                     std::string_view("pgpassword"), std::string_view("sslpassword")}) {
    if (!starts_with_ignoring_case(text, key)) continue;
    std::size_t i = key.size();
    while (i < text.size() && is_space(text[i])) ++i;
    if (i == text.size() || text[i] != '=') continue;
    ++i;
    while (i < text.size() && is_space(text[i])) ++i;
    return i;
  }
  return 0;
}

// If `text` begins with `scheme://…:secret@`, sets where the secret begins and returns its length.
bool find_user_secret(std::string_view text, std::size_t* begin, std::size_t* length) {
  std::size_t scheme = 0;
  for (const std::string_view prefix : {std::string_view("postgresql://"), std::string_view("postgres://")}) {
    if (starts_with_ignoring_case(text, prefix)) scheme = prefix.size();
  }
  if (scheme == 0) return false;
  std::size_t end = scheme;
  while (end < text.size() && !is_space(text[end])) ++end;
  const std::string_view rest = text.substr(scheme, end - scheme);
  // The last `@` before the query: a password with an unescaped `@` or `/` is masked whole rather than in part.
  const std::size_t at = rest.substr(0, rest.find('?')).rfind('@');
  if (at == std::string_view::npos) return false;
  const std::size_t colon = rest.substr(0, at).find(':');
  if (colon == std::string_view::npos) return false;
  *begin = scheme + colon + 1;
  *length = at - colon - 1;
  return true;
}

}  // namespace

std::string redact(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  bool in_url = false;
  std::size_t i = 0;
  while (i < text.size()) {
    const std::string_view rest = text.substr(i);
    std::size_t begin = 0;
    std::size_t length = 0;
    if (const bool word_start = i == 0 || !is_word(text[i - 1]); word_start) {
      if (find_user_secret(rest, &begin, &length)) {
        safe.append(rest.substr(0, begin)).append(kMask);
        i += begin + length;
        in_url = true;
        continue;
      }
      if (starts_with_ignoring_case(rest, "postgres://") || starts_with_ignoring_case(rest, "postgresql://")) {
        in_url = true;
      }
      if (const std::size_t key = secret_key_length(rest); key > 0) {
        safe.append(rest.substr(0, key)).append(kMask);
        i += key + value_length(rest.substr(key), in_url);
        continue;
      }
    }
    if (is_space(text[i])) in_url = false;
    safe += text[i++];
  }
  return safe;
}

}  // namespace falsework
