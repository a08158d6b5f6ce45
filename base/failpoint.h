// Places at which a test can make the engine die, wait or fail.
//
// One rule: armed only when FALSEWORK_TEST_HOOKS=1; FALSEWORK_FAIL then holds `name[@n]=action`, comma-separated, or
// `*@n=action` for the n-th point of any name. Actions: kill, term, stop (SIGSTOP), throw, sleep:MS.
// FALSEWORK_FAIL_TRACE=FILE appends the name of every point that is passed.
#pragma once

#include <string_view>

namespace falsework {

void failpoint(std::string_view name);

}  // namespace falsework
