#include "plans/bare_sql.h"

#include <algorithm>

namespace falsework {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80U;
}

std::size_t after(std::string_view sql, std::string_view end, std::size_t from) {
  const std::size_t at = sql.find(end, from);
  return at == std::string_view::npos ? sql.size() : at + end.size();
}

// Past a quoted text that starts at `at`; a doubled quote reads as the end of one text and the start of the next.
std::size_t after_quoted(std::string_view sql, std::size_t at, bool backslash_escapes) {
  const char quote = sql[at];
  for (std::size_t i = at + 1; i < sql.size(); ++i) {
    if (backslash_escapes && sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      return i + 1;
    }
  }
  return sql.size();
}

// Block comments nest (PG docs, sql-syntax-lexical).
std::size_t after_comment(std::string_view sql, std::size_t at) {
  int depth = 0;
  while (at < sql.size()) {
    if (sql.substr(at, 2) == "/*") {
      ++depth;
      at += 2;
    } else if (sql.substr(at, 2) == "*/") {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return at;
}

// The tag of a dollar quote that starts at `at`, with both dollar signs; empty when none does ($1 is a parameter).
std::string_view dollar_tag(std::string_view sql, std::size_t at) {
  if (at > 0 && is_word(sql[at - 1])) return {};
  std::size_t end = at + 1;
  while (end < sql.size() && sql[end] != '$' && is_word(sql[end])) ++end;
  if (end == sql.size() || sql[end] != '$') return {};
  if (sql[at + 1] >= '0' && sql[at + 1] <= '9') return {};
  return sql.substr(at, end + 1 - at);
}

// Past what stands in quotes or comments at `at`; `at` when nothing does.
std::size_t after_hidden(std::string_view sql, std::size_t at) {
  const std::string_view two = sql.substr(at, 2);
  if (two == "--") return std::min(sql.find('\n', at), sql.size());
  if (two == "/*") return after_comment(sql, at);
  if (sql[at] == '"') return after_quoted(sql, at, false);
  if (sql[at] == '\'') {
    const bool e_before = at > 0 && (sql[at - 1] == 'E' || sql[at - 1] == 'e') && (at < 2 || !is_word(sql[at - 2]));
    return after_quoted(sql, at, e_before);
  }
  if (sql[at] == '$') {
    const std::string_view tag = dollar_tag(sql, at);
    if (!tag.empty()) return after(sql, tag, at + tag.size());
  }
  return at;
}

}  // namespace

std::string bare_sql(std::string_view sql) {
  std::string result;
  const auto space = [&] {
    if (!result.empty() && result.back() != ' ') result += ' ';
  };
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t next = after_hidden(sql, at);
    const char c = sql[at];
    if (next != at) {
      space();
      at = next;
      continue;
    }
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      space();
    } else {
      result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    ++at;
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

bool has_words(std::string_view bare, std::string_view words) {
  for (std::size_t at = bare.find(words); at != std::string_view::npos; at = bare.find(words, at + 1)) {
    const std::size_t end = at + words.size();
    if ((at == 0 || !is_word(bare[at - 1])) && (end == bare.size() || !is_word(bare[end]))) return true;
  }
  return false;
}

}  // namespace falsework
