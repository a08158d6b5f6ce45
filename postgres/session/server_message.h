// What libpq reports of a server's error, taken apart.
#pragma once

#include <string>
#include <string_view>

namespace falsework::pg {

struct ServerMessage {
  std::string message;  // the first line, without severity and without values of rows
  std::string detail;   // DETAIL and CONTEXT; may hold values of rows
  std::string hint;
};

// Parses `ERROR:  … DETAIL:  … HINT:  …`. Errors of class 22 quote the value that they refuse: it is masked in
// `message`, and the line as it was goes in front of `detail`.
ServerMessage parse_server_message(std::string_view text, std::string_view sqlstate);

// Whether the text starts with a severity, as everything does that the server reports.
bool has_severity(std::string_view text);

}  // namespace falsework::pg
