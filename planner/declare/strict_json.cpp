#include "planner/declare/strict_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "planner/declare/values.h"

namespace falsework::declare {

namespace {

using Json = nlohmann::json;

// Follows the parser through the document, for the parser itself lets the last of two equal keys win.
class DuplicateGuard {
 public:
  explicit DuplicateGuard(const std::string& file) : file_(file) {}

  void see(Json::parse_event_t event, const Json& value) {
    switch (event) {
      case Json::parse_event_t::object_start: open(false); break;
      case Json::parse_event_t::array_start: open(true); break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end:
        levels_.pop_back();
        count_element();
        break;
      case Json::parse_event_t::key: see_key(value.get<std::string>()); break;
      case Json::parse_event_t::value: count_element(); break;
    }
  }

 private:
  struct Level {
    bool array = false;
    std::size_t index = 0;  // of the element that is being read
    std::string key;        // of the member that is being read
    std::set<std::string> keys;
  };

  void open(bool array) {
    Level level;
    level.array = array;
    levels_.push_back(std::move(level));
  }

  void count_element() {
    if (!levels_.empty() && levels_.back().array) ++levels_.back().index;
  }

  void see_key(const std::string& key) {
    Level& level = levels_.back();
    level.key = key;
    if (level.keys.insert(key).second) return;
    refuse(fmt::format("{}:{}", file_, path()), fmt::format("the key \"{}\" stands twice", key),
           "Remove one of the two; which was meant cannot be told.");
  }

  std::string path() const {
    std::string path;
    for (const Level& level : levels_) path = pointer_to(path, level.array ? std::to_string(level.index) : level.key);
    return path;
  }

  const std::string& file_;
  std::vector<Level> levels_;
};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// The parser stops behind the token that it did not expect; people look at its beginning.
std::size_t token_start(const std::string& text, std::size_t last) {
  std::size_t start = last;
  if (text[last] == '"') {
    while (start > 0 && !(text[start - 1] == '"' && (start < 2 || text[start - 2] != '\\'))) --start;
    return start > 0 ? start - 1 : last;
  }
  while (start > 0 && is_word(text[start]) && is_word(text[start - 1])) --start;
  return start;
}

struct Position {
  std::size_t line = 1, column = 1;
};

Position position_of(const std::string& text, std::size_t offset) {
  Position position;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) {
      ++position.column;  // characters, not bytes
    }
  }
  return position;
}

// The parser's own words without its prefix and without the piece of text that it quotes.
std::string reason_of(const Json::parse_error& error) {
  std::string reason = error.what();
  if (const std::size_t dash = reason.find(" - "); dash != std::string::npos) reason.erase(0, dash + 3);
  if (const std::size_t from = reason.find("; last read: '"); from != std::string::npos) {
    const std::size_t to = reason.rfind("'; expected");
    reason.erase(from, to == std::string::npos || to < from ? std::string::npos : to + 1 - from);
  }
  return reason;
}

std::string hint_for(const std::string& text, std::size_t offset, const std::string& reason) {
  if (offset >= text.size()) return "The file ends too early: close every object, array and string.";
  const char found = text[offset];
  const std::size_t before = text.find_last_not_of(" \t\r\n", offset == 0 ? 0 : offset - 1);
  if ((found == '}' || found == ']') && before != std::string::npos && text[before] == ',') {
    return "Remove the comma before it.";
  }
  if (found == '/' || found == '#') return "Remove it: JSON has no comments.";
  if (found == '\'') return "Use double quotes.";
  if (reason.find("expected ',' or") != std::string::npos || reason.find("expected '}'") != std::string::npos ||
      reason.find("expected ']'") != std::string::npos) {
    return "Put a comma between two members.";
  }
  if (reason.find("expected end of input") != std::string::npos) return "Remove what follows the closing brace.";
  return "Correct the file; an editor that knows JSON points at the place.";
}

[[noreturn]] void refuse_malformed(const std::string& text, const std::string& file, const Json::parse_error& error) {
  const std::string reason = reason_of(error);
  const std::size_t last = error.byte == 0 ? 0 : error.byte - 1;
  const bool token = last < text.size() && reason.rfind("unexpected", 0) == 0;
  const std::size_t offset = token ? token_start(text, last) : std::min(last, text.size());
  const Position position = position_of(text, offset);
  refuse(fmt::format("{}:{}:{}", file, position.line, position.column), fmt::format("malformed JSON: {}", reason),
         hint_for(text, offset, reason));
}

}  // namespace

std::string pointer_to(const std::string& parent, const std::string& token) {
  std::string result = parent + "/";
  for (const char c : token) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

Json parse_strict(const std::string& text, const std::string& file) {
  DuplicateGuard guard(file);
  try {
    return Json::parse(text, [&guard](int, Json::parse_event_t event, Json& value) {
      guard.see(event, value);
      return true;
    });
  } catch (const Json::parse_error& error) {
    refuse_malformed(text, file, error);
  } catch (const Json::out_of_range&) {
    refuse(file, "a number in it is too large", "A declaration holds no numbers; remove it.");
  }
}

}  // namespace falsework::declare
