// Who holds a run: what an engine learns when it is not the one, or is it no longer.
#pragma once

#include <cstdint>
#include <string>

#include "postgres/session/session.h"

namespace falsework::journal {

// Throws Error(run.held) with who overtook us and when, unless the run's epoch is still `epoch`; Error(run.unknown).
void fail_if_overtaken(pg::Session& session, const std::string& run, std::uint64_t epoch);

// The server process that has the run's advisory lock; empty when nobody has it.
std::string lock_owner(pg::Session& session, const std::string& run);

// Takes that lock for this session, unless somebody has it.
bool try_lock(pg::Session& session, const std::string& run);

}  // namespace falsework::journal
