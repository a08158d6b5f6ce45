// Characters that a reader cannot see, made visible.
//
// One rule: a name with a control or direction character must not be able to make a line read as another one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace falsework::runbook {

// Replaces line breaks and tabs by spaces, and other control, direction and zero-width characters by `<U+202E>`.
std::string make_visible(std::string_view text);

// The invisible characters of a text as `U+202E`, each once, in order; line breaks and tabs are not among them.
std::vector<std::string> invisible_characters(std::string_view text);

}  // namespace falsework::runbook
