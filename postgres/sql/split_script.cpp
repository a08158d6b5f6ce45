// split_script (postgres/sql/syntax.h): statements and the comments that belong to them.
#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>

#include "base/error_kinds.h"
#include "postgres/sql/syntax.h"
#include "postgres/sql/tokens.h"

namespace falsework::pg {

namespace {

struct PlacedComment {
  std::string text;
  int first_line = 1;
  int last_line = 1;
};

// Knows the line of an offset; asked with rising offsets.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  int at(std::size_t offset) {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(seen_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    seen_ = offset;
    return line_;
  }

 private:
  std::string_view text_;
  std::size_t seen_ = 0;
  int line_ = 1;
};

std::string trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::string comment_text(std::string_view token, bool block) {
  token.remove_prefix(2);
  if (block) token.remove_suffix(2);
  return trimmed(token);
}

bool is_option(const std::string& comment) { return comment.rfind("falsework:", 0) == 0; }

// Where a statement may hold semicolons: parentheses (CREATE RULE) and BEGIN ATOMIC … END (SQL-standard functions).
class Nesting {
 public:
  void see(PgQuery__Token token) {
    if (token == PG_QUERY__TOKEN__ASCII_40) ++parentheses_;
    if (token == PG_QUERY__TOKEN__ASCII_41 && parentheses_ > 0) --parentheses_;
    if (token == PG_QUERY__TOKEN__ATOMIC && previous_ == PG_QUERY__TOKEN__BEGIN_P) ++blocks_;
    if (token == PG_QUERY__TOKEN__CASE && blocks_ > 0) ++blocks_;
    if (token == PG_QUERY__TOKEN__END_P && blocks_ > 0) --blocks_;
    previous_ = token;
  }
  bool ends_at(PgQuery__Token token) const {
    return token == PG_QUERY__TOKEN__ASCII_59 && parentheses_ == 0 && blocks_ == 0;
  }

 private:
  int parentheses_ = 0;
  int blocks_ = 0;
  PgQuery__Token previous_ = PG_QUERY__TOKEN__NUL;
};

class Splitter {
 public:
  Splitter(std::string_view sql, const std::string& file) : sql_(sql), file_(file), lines_(sql) {}

  Script split() {
    const Tokens tokens{std::string(sql_)};
    if (!tokens.error().empty()) {
      refuse(Lines(sql_).at(std::min(tokens.error_offset(), sql_.size())), tokens.error());
    }
    for (std::size_t i = 0; i < tokens.size(); ++i) see(tokens[i]);
    if (open_) end_statement();
    check_left_over();
    return std::move(script_);
  }

 private:
  [[noreturn]] void refuse(int line, const std::string& reason) const {
    throw Error(errors::kDeclarationInvalid, fmt::format("{}:{}: {}", file_, line, reason),
                "Correct the script; its grammar is that of PostgreSQL 15.");
  }

  void see(const PgQuery__ScanToken& token) {
    const auto start = static_cast<std::size_t>(token.start);
    const auto end = static_cast<std::size_t>(token.end);
    const int line = lines_.at(start);
    const bool block = token.token == PG_QUERY__TOKEN__C_COMMENT;
    if (block || token.token == PG_QUERY__TOKEN__SQL_COMMENT) {
      see_comment({comment_text(sql_.substr(start, end - start), block), line, lines_.at(end)});
      return;
    }
    if (nesting_.ends_at(token.token)) {
      if (open_) end_statement();
      last_line_ = line;
      return;
    }
    if (!open_) begin_statement(start, line);
    nesting_.see(token.token);
    end_ = end;
    last_line_ = lines_.at(end);
  }

  void see_comment(PlacedComment comment) {
    if (open_) {
      current_.comments.push_back(std::move(comment.text));
    } else if (!script_.statements.empty() && comment.first_line == last_line_) {
      script_.statements.back().comments.push_back(std::move(comment.text));
    } else {
      waiting_.push_back(std::move(comment));
    }
  }

  void begin_statement(std::size_t start, int line) {
    open_ = true;
    nesting_ = {};
    current_ = {};
    current_.offset = start;
    current_.line = line;
    const bool head = script_.statements.empty();
    // Of the head, only comments that touch the statement belong to it, and options never do.
    std::size_t touching = waiting_.size();
    for (int next = line; touching > 0 && waiting_[touching - 1].last_line + 1 >= next; --touching) {
      next = waiting_[touching - 1].first_line;
    }
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const bool header = head && (i < touching || is_option(waiting_[i].text));
      (header ? script_.header : current_.comments).push_back(std::move(waiting_[i].text));
    }
    waiting_.clear();
  }

  void end_statement() {
    current_.text = std::string(sql_.substr(current_.offset, end_ - current_.offset));
    script_.statements.push_back(std::move(current_));
    open_ = false;
  }

  // Comments after the last statement belong to nothing; that is an error only where one was meant to say something.
  void check_left_over() {
    for (PlacedComment& comment : waiting_) {
      if (script_.statements.empty()) {
        script_.header.push_back(std::move(comment.text));
      } else if (is_option(comment.text)) {
        refuse(comment.first_line, "a falsework: comment after the last statement belongs to nothing");
      }
    }
  }

  std::string_view sql_;
  const std::string& file_;
  Lines lines_;
  Script script_;
  std::vector<PlacedComment> waiting_;  // seen, and not yet known to what they belong
  ScriptStatement current_;
  Nesting nesting_;
  bool open_ = false;
  std::size_t end_ = 0;
  int last_line_ = 0;
};

}  // namespace

Script split_script(std::string_view sql, const std::string& file) { return Splitter(sql, file).split(); }

}  // namespace falsework::pg
