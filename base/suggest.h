// The nearest known word to a word that is not known: `Did you mean "from"?`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace falsework {

// Finds the known word that is so near to `word` that a slip of the fingers explains it (letter case, a letter too many
// or too few, another letter, two exchanged, `-` or a space for `_`); nothing when none is. Ties go to the first.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace falsework
