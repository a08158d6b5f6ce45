// Connection strings: read, completed with what every session needs, and shown without their secrets.
//
// One rule: an error about a connection string repeats nothing of it, for what stands in the wrong place may be a
// password.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "postgres/session/session.h"

namespace falsework::pg {

using Keywords = std::map<std::string, std::string>;  // libpq's keywords, e.g. host, dbname

// Parses a libpq URL or keyword string; only what it says itself, without libpq's environment. Throws Error(usage).
Keywords parse_conninfo(const std::string& conninfo);

// Renders as a keyword string.
std::string render_conninfo(const Keywords& keywords);

// Renders settings as `-c name=value …`, escaped for libpq's `options`.
std::string render_options(const std::map<std::string, std::string>& settings);

// What is handed to libpq: the user's keywords; `server_settings` behind the user's own options (or PGOPTIONS), so that
// ours win; the application's name; time-outs and keepalives where the user gave none. Throws Error(usage).
std::string complete_conninfo(const ConnectionSettings& settings,
                              const std::map<std::string, std::string>& server_settings);

// Renders where a connection string leads, libpq's environment included: `user@host:port/database`. Throws
// Error(usage).
std::string describe(const std::string& conninfo);

// Masks the passwords of the connection string and of the environment wherever they occur in `text`.
std::string without_secrets(std::string_view text, const Keywords& keywords);

}  // namespace falsework::pg
