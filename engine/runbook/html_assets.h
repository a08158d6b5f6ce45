// What an HTML runbook brings along to look and work well: constants, the same for every plan.
#pragma once

#include <string_view>

namespace falsework::runbook {

// Any width, print, light and dark.
std::string_view page_style();

// Folds the steps, opens the one that a link leads to, and all for print. Without it everything is open.
std::string_view page_script();

}  // namespace falsework::runbook
