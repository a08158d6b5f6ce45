// Options in the comments of the SQL form: `-- falsework: name=users_email switch=2026.12`.
//
// One rule: `key=value`, separated by spaces. A value goes on to the next space that no quotes and no parentheses
// enclose, so that an expression can be written as it is: fill='' up=lower(email) down=(a || ' ' || b).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace falsework::declare {

struct Option {
  std::string key;
  std::string value;  // as written, quotes and parentheses included
  std::string where;  // file:line
};

// Reads a comment's text (without its dashes). A comment that does not begin with `falsework:` is none of ours and has
// no options; one that seems to be meant for us but is not spelled so is refused, and so is whatever is not key=value.
std::vector<Option> read_options(std::string_view comment, const std::string& where);

// The value of an option that is no expression: a bare word, or '…' in which '' is one quote.
std::string plain_value(const Option& option);

// Whether a comment begins with `falsework:` or was meant to.
bool is_ours(std::string_view comment);

}  // namespace falsework::declare
