// Tables of what stands in a declaration and what is said of it.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "planner/declare/declare.h"
#include "tests/planner/declare/refusal.h"

namespace falsework {

// `@64@` stands for a name of 64 bytes, `@63@` for its first 63.
struct RefusalCase {
  std::string file, given;
  std::string code, message, hint;
};

inline const char* const kOneExpression =
    "Give one SQL expression, as it would stand in a SELECT list; the grammar is that of PostgreSQL 15.";

inline std::string expanded(std::string text) {
  for (const auto& [mark, length] : {std::pair{"@64@", 64}, std::pair{"@63@", 63}}) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
      text.replace(at, 4, std::string(static_cast<std::size_t>(length), 'x'));
    }
  }
  return text;
}

inline void check_refusals(const std::vector<RefusalCase>& cases) {
  for (const RefusalCase& c : cases) {
    CAPTURE(c.given);
    const Refusal refusal = refusal_of([&] { read_declaration(expanded(c.given), c.file); });
    CHECK(refusal.code == c.code);
    CHECK(refusal.message == expanded(c.message));
    CHECK(refusal.hint == expanded(c.hint));
  }
}

}  // namespace falsework
