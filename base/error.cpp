#include "base/error.h"

#include <fmt/format.h>

#include "base/error_kinds.h"

namespace falsework {

void fail_check(const char* condition, const char* file, int line) {
  throw Error(errors::kInternal, fmt::format("check failed at {}:{}: {}", file, line, condition),
              "This is a bug in Falsework: please report it with this message.");
}

}  // namespace falsework
