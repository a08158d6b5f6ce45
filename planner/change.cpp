#include "planner/change.h"

#include <type_traits>

namespace falsework {

std::string_view kind(const Change& change) {
  return std::visit([](const auto& action) { return std::decay_t<decltype(action)>::kKind; }, change.action);
}

}  // namespace falsework
