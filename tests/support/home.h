// The directory of this test process: its servers and its temporary files lie below it.
//
// One rule: it is removed when the process ends, however it ends (tests/support/watcher.h).
#pragma once

#include <filesystem>

namespace falsework::test {

// Created when first asked for. In memory where there is plenty, for the tests make and drop databases by the hundred;
// else below /tmp whatever TMPDIR says: socket paths end at 107 bytes.
const std::filesystem::path& home();

}  // namespace falsework::test
