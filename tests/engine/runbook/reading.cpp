#include "tests/engine/runbook/reading.h"

#include <cstdlib>
#include <regex>
#include <sstream>

namespace falsework::testing {

namespace {

bool starts(const std::string& text, const std::string& with) { return text.rfind(with, 0) == 0; }

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string decode(std::string text) {
  text = replace_all(std::move(text), "&lt;", "<");
  text = replace_all(std::move(text), "&gt;", ">");
  text = replace_all(std::move(text), "&quot;", "\"");
  text = replace_all(std::move(text), "&#39;", "'");
  return replace_all(std::move(text), "&amp;", "&");
}

std::string trim(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

// The text of a line of Markdown: code spans to the letter, else without markup.
std::string plain(const std::string& line) {
  std::string result;
  for (std::size_t i = 0; i < line.size();) {
    if (line[i] == '`') {
      const std::size_t ticks = line.find_first_not_of('`', i) - i;
      const std::size_t end = line.find(std::string(ticks, '`'), i + ticks);
      std::string code = line.substr(i + ticks, end - i - ticks);
      if (code.size() > 2 && code.front() == ' ' && code.back() == ' ') code = code.substr(1, code.size() - 2);
      result += replace_all(code, "\\|", "|");
      i = end + ticks;
    } else if (line[i] == '\\' && i + 1 < line.size()) {
      result += line[i + 1];
      i += 2;
    } else if (line.compare(i, 2, "**") == 0) {
      i += 2;
    } else {
      const std::size_t end = line.find_first_of("`\\*", i + 1);
      result += decode(line.substr(i, end == std::string::npos ? end : end - i));
      i = end == std::string::npos ? line.size() : end;
    }
  }
  return result;
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::string cell;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '|' && line[i - 1] != '\\') {
      cells.push_back(plain(trim(cell)));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  return cells;
}

ReadSection& section_for(ReadRunbook& book, const std::string& title) {
  std::smatch match;
  ReadSection& section = std::regex_search(title, match, std::regex("^Step ([0-9]+): "))
                             ? book.steps[std::atoi(match[1].str().c_str())]
                             : book.sections[title];
  section.title = title;
  return section;
}

std::string without_tags(const std::string& html) {
  return trim(decode(std::regex_replace(html, std::regex("<[^>]*>"), "")));
}

}  // namespace

ReadRunbook read_markdown(const std::string& text) {
  ReadRunbook book;
  ReadSection* section = &book.sections[""];
  std::istringstream stream(text);
  std::string fence, language, previous;
  for (std::string line; std::getline(stream, line); previous = line) {
    if (!fence.empty()) {
      if (line == fence) {
        fence.clear();
      } else if (language == "sql") {
        section->listings.back() += line + "\n";
      }
    } else if (starts(line, "```")) {
      fence = line.substr(0, line.find_first_not_of('`'));
      language = line.substr(fence.size());
      if (language == "sql") section->listings.emplace_back();
    } else if (starts(line, "#")) {
      section = &section_for(book, plain(trim(line.substr(line.find(' ')))));
    } else if (starts(line, "|")) {
      if (!starts(previous, "|")) section->tables.emplace_back();
      // A table of names and values has an empty header, which Markdown cannot do without.
      const bool empty = line.find_first_not_of("| ") == std::string::npos && section->tables.back().empty();
      if (!empty && !starts(line, "| ---")) section->tables.back().push_back(cells_of(line));
    } else if (!line.empty() && !starts(line, "> [!")) {
      const std::string mark = starts(line, "- [ ] ") ? "- [ ] "
                               : starts(line, "- ")   ? "- "
                               : starts(line, "> ")   ? "> "
                                                      : "";
      section->paragraphs.push_back(plain(line.substr(mark.size())));
    }
  }
  return book;
}

ReadRunbook read_html(const std::string& text) {
  ReadRunbook book;
  ReadSection* section = &book.sections[""];
  // The elements that the renderer writes, each closed before the next begins.
  static const std::regex kBegin("<(h[1-4]|p|li|pre|tr|table)( [^>]*)?>");
  std::size_t at = text.find("<main");
  const std::size_t end_of_main = text.find("</main>");
  for (std::smatch match; at < end_of_main;) {
    if (!std::regex_search(text.begin() + static_cast<std::ptrdiff_t>(at),
                           text.begin() + static_cast<std::ptrdiff_t>(end_of_main), match, kBegin)) {
      break;
    }
    const std::string tag = match[1];
    const std::size_t begin = at + static_cast<std::size_t>(match.position(0) + match.length(0));
    at = begin;
    if (tag == "table") {
      section->tables.emplace_back();
      continue;
    }
    if (tag == "li" && text.compare(begin, 2, "<p") == 0) continue;  // an entry of the time line: paragraphs
    // Said in full below; for the hand alone.
    if (std::regex_search(match[2].str(), std::regex("\"(badges|tools)\""))) continue;
    const std::size_t end = text.find("</" + tag + ">", begin);
    const std::string inner = text.substr(begin, end - begin);
    at = end;
    if (tag[0] == 'h') {
      section = &section_for(book, without_tags(inner));
    } else if (tag == "pre") {
      if (match[2].str().find("\"sql\"") == std::string::npos) continue;
      section->listings.push_back(decode(std::regex_replace(inner, std::regex("^<code>|</code>$"), "")));
    } else if (tag == "tr") {
      std::vector<std::string> cells;
      static const std::regex kCell("<t[hd][^>]*>([\\s\\S]*?)</t[hd]>");
      for (std::sregex_iterator cell(inner.begin(), inner.end(), kCell), none; cell != none; ++cell) {
        cells.push_back(without_tags((*cell)[1]));
      }
      section->tables.back().push_back(std::move(cells));
    } else {
      section->paragraphs.push_back(without_tags(inner));
    }
  }
  return book;
}

}  // namespace falsework::testing
