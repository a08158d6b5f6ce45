// What a gate waits for, as both forms of a declaration write it.
#pragma once

#include <string>
#include <string_view>

#include "planner/change.h"

namespace falsework::declare {

// Sets `key` of gate_keys() from text: a time, a number, true or false, a query. Throws Error(declaration.invalid).
void set_wish(GateWish& wish, std::string_view key, const std::string& value, const std::string& where);

}  // namespace falsework::declare
