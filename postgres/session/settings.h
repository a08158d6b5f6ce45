// The settings that every session is pinned to.
#pragma once

#include <map>
#include <string>

#include "postgres/session/session.h"

namespace falsework::pg {

// The pinned settings of every supported version, with `asked` over them: what goes into the startup options.
std::map<std::string, std::string> pinned_settings(const std::map<std::string, std::string>& asked);

// Reads the pinned settings back, and sets those that only some versions know or that libpq's environment (PGTZ,
// PGDATESTYLE) overrode. Throws Error(connection.pooled) when they did not reach the server, Error(internal) when the
// server holds one of them at another value.
void confirm_settings(Session& session, const std::map<std::string, std::string>& pinned);

}  // namespace falsework::pg
