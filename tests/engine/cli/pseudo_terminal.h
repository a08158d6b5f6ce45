// A person at a terminal: the program runs on a pseudo-terminal, and what it shows is read back.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace falsework::test {

class PseudoTerminal {
 public:
  PseudoTerminal(const std::vector<std::string>& arguments, const std::filesystem::path& directory);
  // Kills the program if it still runs.
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  // Reads until the text was shown; false when the program ended, or half a minute went by, before that.
  bool shows(const std::string& text);
  void type(const std::string& text) const;
  // Reads to the end and returns the exit status, or 128 + signal.
  int wait();
  // Everything that was shown so far.
  const std::string& screen() const { return screen_; }

 private:
  bool read_more(int milliseconds);

  int terminal_ = -1;
  pid_t pid_ = -1;
  std::string screen_;
};

}  // namespace falsework::test
