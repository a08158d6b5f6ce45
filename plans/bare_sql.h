// SQL without what stands in quotes or comments, for rules that look at words.
//
// One rule: this is no parser. It serves checks of last resort on statements that a parser has seen before.
#pragma once

#include <string>
#include <string_view>

namespace falsework {

// Upper-case words and punctuation, single spaces between; a literal, quoted identifier or dollar-quoted text becomes
// one space, and so does a comment.
std::string bare_sql(std::string_view sql);

// Whether `words` stand in `bare` as whole words.
bool has_words(std::string_view bare, std::string_view words);

}  // namespace falsework
