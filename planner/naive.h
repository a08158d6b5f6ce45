// What a change would have cost if it were made in one line, and what it becomes instead: the words of a plan's
// `changes`.
#pragma once

#include "planner/work.h"

namespace falsework {

PlannedChange describe_change(const Change& change, const Work& work);

}  // namespace falsework
