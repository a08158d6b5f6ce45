#include "postgres/session/server_message.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/redact.h"

namespace falsework::pg {

namespace {

constexpr std::string_view kAfterSeverity = ":  ";  // PG source, pqBuildErrorMessage3

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

// The severity is translated by the server, so that it is known by its shape: one short word. Returns its end or npos.
std::size_t severity_end(std::string_view line) {
  constexpr std::size_t kLongest = 24;
  const std::size_t end = line.find(kAfterSeverity);
  const bool is_word = end <= kLongest && line.find(' ') > end;
  return is_word ? end : std::string_view::npos;
}

std::string_view without_severity(std::string_view line) {
  const std::size_t end = severity_end(line);
  return end == std::string_view::npos ? line : line.substr(end + kAfterSeverity.size());
}

// Everything between the first and the last quotation mark, for a value may hold quotation marks of its own.
std::string mask_quoted(std::string_view line) {
  constexpr std::array<std::string_view, 6> kMarks{"\"", "„", "“", "”", "«", "»"};
  std::size_t first = std::string_view::npos;
  std::size_t first_end = 0;
  std::size_t last_end = 0;
  for (const std::string_view mark : kMarks) {
    const std::size_t at = line.find(mark);
    if (at == std::string_view::npos) continue;
    if (at < first) {
      first = at;
      first_end = at + mark.size();
    }
    last_end = std::max(last_end, line.rfind(mark) + mark.size());
  }
  if (first == std::string_view::npos) return std::string(line);
  // A value that holds a line break leaves its closing mark on a later line.
  const bool closed = last_end > first_end;
  return std::string(line.substr(0, first)) + "\"…\"" + (closed ? std::string(line.substr(last_end)) : std::string());
}

void append_line(std::string& text, std::string_view line) {
  if (!text.empty()) text += '\n';
  text += line;
}

}  // namespace

bool has_severity(std::string_view text) {
  return severity_end(text.substr(0, text.find('\n'))) != std::string_view::npos;
}

ServerMessage parse_server_message(std::string_view text, std::string_view sqlstate) {
  ServerMessage parsed;
  const std::string safe = redact(text);
  const std::vector<std::string_view> lines = lines_of(safe);
  if (lines.empty()) return parsed;
  const std::string_view first = without_severity(lines.front());
  if (sqlstate.starts_with("22")) {
    parsed.message = mask_quoted(first);
    if (parsed.message != first) parsed.detail = first;
  } else {
    parsed.message = first;
  }
  // Lines before the first field belong to a message of several lines. The statement's own text (LINE, QUERY) is left
  // out: whoever sent it has it.
  std::string ignored;
  std::string* field = &parsed.detail;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    if (line.starts_with("DETAIL:  ")) {
      field = &parsed.detail;
      line.remove_prefix(9);
    } else if (line.starts_with("HINT:  ")) {
      field = &parsed.hint;
      line.remove_prefix(7);
    } else if (line.starts_with("CONTEXT:  ")) {
      field = &parsed.detail;
    } else if (line.starts_with("LINE ") || line.starts_with("QUERY:  ")) {
      field = &ignored;
    }
    append_line(*field, line);
  }
  return parsed;
}

}  // namespace falsework::pg
