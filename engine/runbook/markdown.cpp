#include "engine/runbook/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/runbook/mermaid.h"
#include "engine/runbook/visible.h"

namespace falsework::runbook {

namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80U;
}

// Escapes all that GFM would take for markup. An underscore between letters is none (GFM 6.2), and names are full of
// them.
std::string escape(std::string_view raw) {
  const std::string text = make_visible(raw);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool inside = i > 0 && i + 1 < text.size() && is_word(text[i - 1]) && is_word(text[i + 1]);
    if (c == '<') {
      result += "&lt;";
    } else if (c == '>') {
      result += "&gt;";
    } else if (c == '&') {
      result += "&amp;";
    } else if (std::string_view("\\`*[]|~#$!").find(c) != std::string_view::npos || (c == '_' && !inside)) {
      result += '\\';
      result += c;
    } else {
      result += c;
    }
  }
  return result;
}

// At the start of a block, `- x`, `+ x`, `1. x` and `1) x` would begin a list, and `---` or `===` a rule or heading.
std::string escape_start(std::string text) {
  if (text.empty()) return text;
  if (text[0] == '-' || text[0] == '+' || text[0] == '=') return "\\" + text;
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits != 0 && digits != std::string::npos && (text[digits] == '.' || text[digits] == ')')) {
    text.insert(digits, "\\");
  }
  return text;
}

std::size_t longest_run(std::string_view text, char of) {
  std::size_t longest = 0, run = 0;
  for (const char c : text) {
    run = c == of ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}

std::string code_span(std::string_view raw, bool in_table) {
  std::string text = make_visible(raw);
  if (text.empty()) return "";
  const std::string fence(longest_run(text, '`') + 1, '`');
  const bool pad = text.front() == '`' || text.back() == '`' || (text.front() == ' ' && text.back() == ' ');
  if (in_table) {  // a pipe ends a cell even in code (GFM 4.10)
    std::string piped;
    for (const char c : text) piped += c == '|' ? "\\|" : std::string(1, c);
    text = piped;
  }
  return pad ? fmt::format("{} {} {}", fence, text, fence) : fence + text + fence;
}

// Spaces belong outside: `**a: **` is not strong (CommonMark 6.2, right-flanking).
std::string strong_span(std::string_view text) {
  const std::size_t last = text.find_last_not_of(' ');
  if (last == std::string_view::npos) return std::string(text);
  return fmt::format("**{}**{}", escape(text.substr(0, last + 1)), text.substr(last + 1));
}

std::string render(const Text& text, bool in_table = false) {
  std::string result;
  for (const Span& span : text) {
    switch (span.kind) {
      case Span::Kind::kPlain: result += escape(span.text); break;
      case Span::Kind::kCode: result += code_span(span.text, in_table); break;
      case Span::Kind::kStrong: result += strong_span(span.text); break;
    }
  }
  return in_table ? result : escape_start(std::move(result));
}

std::string fenced(const std::string& language, const std::string& text) {
  const std::string fence(std::max<std::size_t>(3, longest_run(text, '`') + 1), '`');
  return fmt::format("{}{}\n{}{}{}\n", fence, language, text, !text.empty() && text.back() == '\n' ? "" : "\n", fence);
}

std::string row(const std::vector<Text>& cells) {
  std::string result = "|";
  for (const Text& cell : cells) result += fmt::format(" {} |", render(cell, true));
  return result + "\n";
}

struct Renderer {
  std::string operator()(const Heading& block) const {
    return fmt::format("{} {}\n", std::string(static_cast<std::size_t>(block.level), '#'), render(block.text, true));
  }
  std::string operator()(const Paragraph& block) const { return render(block.text) + "\n"; }
  std::string operator()(const Bullets& block) const {
    std::string result;
    for (const Text& item : block.items) {
      result += fmt::format("- {}{}\n", block.checklist ? "[ ] " : "", render(item));
    }
    return result;
  }
  std::string operator()(const Table& block) const {
    std::string result = row(block.header) + "|";
    for (std::size_t i = 0; i < block.header.size(); ++i) result += " --- |";
    result += "\n";
    for (const std::vector<Text>& cells : block.rows) result += row(cells);
    return result;
  }
  std::string operator()(const Listing& block) const { return fenced(block.language, block.text); }
  std::string operator()(const Callout& block) const {
    const char* const kind = block.kind == Callout::Kind::kNote      ? "NOTE"
                             : block.kind == Callout::Kind::kWarning ? "WARNING"
                                                                     : "CAUTION";
    return fmt::format("> [!{}]\n> {}\n", kind, render(block.text));
  }
  std::string operator()(const Picture& block) const { return fenced("mermaid", render_mermaid(block.diagram)); }
  std::string operator()(const TimeLine& block) const {
    std::string result = "| Order | What happens | Who waits | Command | Undo |\n| --- | --- | --- | --- | --- |\n";
    int number = 0;
    for (const TimeLine::Entry& entry : block.entries) {
      Text what = entry.what;
      if (!entry.why.empty()) what.push_back(plain(": " + entry.why));
      result += row({{plain(std::to_string(++number))}, what, entry.waits, entry.command, entry.undo});
    }
    return result;
  }
};

}  // namespace

std::string render_markdown(const Outline& outline) {
  std::string result;
  for (const Block& block : outline) {
    if (!result.empty()) result += "\n";
    result += std::visit(Renderer{}, block);
  }
  return result;
}

}  // namespace falsework::runbook
