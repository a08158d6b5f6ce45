// What an engine learns when its epoch is over.
#pragma once

#include <cstdint>
#include <string>

#include "postgres/session/session.h"

namespace falsework::journal {

// Throws Error(run.held) with who overtook us and when, unless the run's epoch is still `epoch`; Error(run.unknown).
void fail_if_overtaken(pg::Session& session, const std::string& run, std::uint64_t epoch);

}  // namespace falsework::journal
