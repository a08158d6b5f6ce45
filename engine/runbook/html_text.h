// Text as HTML and SVG show it.
#pragma once

#include <string>
#include <string_view>

namespace falsework::runbook {

// To the letter: what means something in HTML (`& < > " '`, a carriage return) as character references. Fit for text
// and for attribute values in double quotes.
std::string escape_html(std::string_view text);

// A name or a sentence: what cannot be seen made visible, then escaped.
std::string html_text(std::string_view text);

}  // namespace falsework::runbook
