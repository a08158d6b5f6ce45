#include "planner/declare/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/declare/values.h"

namespace falsework::declare {

namespace {

constexpr std::string_view kMark = "falsework:";

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

bool is_key(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool is_bare(char c) {
  return is_key(c) || (static_cast<unsigned char>(c) & 0x80U) != 0 ||
         std::string_view(".:+/@%~").find(c) != std::string_view::npos;
}

// Reads options one after the other from a text.
class OptionReader {
 public:
  OptionReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  std::vector<Option> read() {
    std::vector<Option> options;
    while (skip_space()) {
      Option option = read_option();
      const bool twice =
          std::any_of(options.begin(), options.end(), [&](const Option& other) { return other.key == option.key; });
      if (twice) refuse(where_, fmt::format("the option {} stands twice", option.key), "Remove one of the two.");
      options.push_back(std::move(option));
    }
    if (options.empty()) {
      refuse(where_, "a falsework: comment holds no option", "Write options as key=value, or remove the comment.");
    }
    return options;
  }

 private:
  bool skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    return at_ < text_.size();
  }

  Option read_option() {
    Option option;
    option.where = where_;
    while (at_ < text_.size() && is_key(text_[at_])) option.key += text_[at_++];
    if (option.key.empty()) {
      refuse(where_, fmt::format("`{}` is not an option", rest_of_word()),
             "Write options as key=value, separated by spaces.");
    }
    if (at_ == text_.size() || text_[at_] != '=') {
      refuse(where_, fmt::format("the option {}{} has no value", option.key, rest_of_word()),
             fmt::format("Write {}=VALUE, without spaces around the equals sign.", option.key));
    }
    ++at_;
    option.value = read_value(option.key);
    if (option.value.empty()) {
      refuse(where_, fmt::format("the option {} has no value", option.key),
             fmt::format("Write {}=VALUE, without spaces around the equals sign; an empty text is ''.", option.key));
    }
    return option;
  }

  std::string rest_of_word() const {
    std::size_t end = at_;
    while (end < text_.size() && !is_space(text_[end])) ++end;
    return std::string(text_.substr(at_, end - at_));
  }

  std::string read_value(const std::string& key) {
    const std::size_t begin = at_;
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (depth == 0 && is_space(c)) break;
      if (c == '\'' || c == '"') {
        skip_quoted(key, begin);
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth < 0) {
        refuse(where_, fmt::format("the value of {} closes a parenthesis that is not open", key), kBalance);
      }
    }
    if (depth > 0) refuse(where_, fmt::format("the value of {} has an open parenthesis", key), kBalance);
    return std::string(text_.substr(begin, at_ - begin));
  }

  // Leaves the position at the closing quote. A doubled quote is two quoted texts side by side, which is as good here.
  void skip_quoted(const std::string& key, std::size_t begin) {
    const char quote = text_[at_];
    const bool escapes = quote == '\'' && at_ > begin && (text_[at_ - 1] == 'E' || text_[at_ - 1] == 'e') &&
                         (at_ - 1 == begin || !is_bare(text_[at_ - 2]));
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (escapes && text_[at_] == '\\') ++at_;
    }
    if (at_ >= text_.size()) {
      refuse(where_, fmt::format("the value of {} has an open quote", key),
             "Close it; an option ends with its comment's line.");
    }
  }

  static constexpr const char* kBalance = "Balance the parentheses; an option ends with its comment's line.";

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
};

}  // namespace

bool is_ours(std::string_view comment) {
  constexpr std::string_view kName = "falsework";
  if (comment.substr(0, kMark.size()) == kMark) return true;
  const bool named = comment.size() > kName.size() &&
                     std::equal(kName.begin(), kName.end(), comment.begin(),
                                [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b); }) &&
                     !is_key(comment[kName.size()]);
  return named && comment.find('=') != std::string_view::npos;
}

std::vector<Option> read_options(std::string_view comment, const std::string& where) {
  if (!is_ours(comment)) return {};
  if (comment.substr(0, kMark.size()) != kMark) {
    refuse(where, fmt::format("the comment `{}` seems to hold options", comment),
           "Options begin with `-- falsework:`, in lower case and with a colon.");
  }
  return OptionReader(comment.substr(kMark.size()), where).read();
}

std::string plain_value(const Option& option) {
  const std::string& raw = option.value;
  if (std::all_of(raw.begin(), raw.end(), is_bare)) return raw;
  std::string value;
  if (raw.size() >= 2 && raw.front() == '\'' && raw.back() == '\'') {
    const std::string_view inside = std::string_view(raw).substr(1, raw.size() - 2);
    std::size_t i = 0;
    for (; i < inside.size(); ++i) {
      if (inside[i] == '\'' && (i + 1 == inside.size() || inside[++i] != '\'')) break;
      value += inside[i];
    }
    if (i == inside.size()) return value;
  }
  refuse(option.where, fmt::format("the value {} of {} is neither a word nor one quoted text", raw, option.key),
         "Separate options by spaces; put a value that holds spaces or signs into single quotes.");
}

}  // namespace falsework::declare
