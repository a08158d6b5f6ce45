#include "engine/runbook/html_text.h"

#include "engine/runbook/visible.h"

namespace falsework::runbook {

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      case '\r': result += "&#13;"; break;  // a bare one would be read as a line feed (HTML, 13.2.3.5)
      default: result += c;
    }
  }
  return result;
}

std::string html_text(std::string_view text) { return escape_html(make_visible(text)); }

}  // namespace falsework::runbook
