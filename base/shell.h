// What is printed for a shell to read.
#pragma once

#include <string>
#include <string_view>

namespace falsework {

// The text as a POSIX shell takes it for one word: as it is where nothing in it means anything to the shell, else in
// single quotes.
std::string shell_word(std::string_view text);

}  // namespace falsework
