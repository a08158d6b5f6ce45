// Where a command writes: results on stdout, everything else on stderr.
//
// One rule: lines for people have their invisible characters made visible, so that no name of an object can move the
// cursor or make a line read as another; documents and JSON go out as they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace falsework::cli {

class Console {
 public:
  explicit Console(bool json) : json_(json) {}

  // Whether results are JSON.
  bool json() const { return json_; }

  // Writes a document to stdout, as it is.
  void document(std::string_view text);
  // Writes a line (or several) for people: to stdout, or to stderr while results are JSON.
  void line(std::string_view text);
  // Writes a line to stderr.
  void note(std::string_view text);
  // Writes columns, aligned; the first row is the header.
  void table(const std::vector<std::vector<std::string>>& rows);

  // Whether someone sits there who can be asked: both stdin and stderr are terminals.
  static bool can_ask();
  // Whether stderr is a terminal, so that progress may overprint; and its width.
  static bool overprints();
  static int width();

  // Asks on stderr and reads an answer from stdin; empty at the end of the input. Throws Error(stopped.*).
  std::string ask(std::string_view question);

  // Whether anybody reads stdout still: false for a pipe whose other end is closed, as after `| head`.
  static bool is_read();

  // Flushes stdout. Throws Error(file.unwritable) when not everything could be written; where nobody reads it any more,
  // that is no error: who has closed the pipe has seen enough.
  void finish();

 private:
  bool json_;
};

// Makes invisible characters visible, line breaks kept.
std::string visible_lines(std::string_view text);

}  // namespace falsework::cli
