// The only implementation of Session, over libpqxx.
#pragma once

#include <memory>
#include <string>

#include "postgres/session/session.h"

namespace falsework::pg {

// Opens a session. `conninfo` goes to libpq as it is; `where` names the database in messages. Throws
// std::runtime_error with libpq's own words, which may need masking.
std::unique_ptr<Session> open_session(const std::string& conninfo, const std::string& where);

}  // namespace falsework::pg
