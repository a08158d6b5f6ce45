// The log: one line an event, on stderr; results never go through it.
//
// One rule: every line passes through `redact` (base/redact.h), so that no sink can leak a password.
#pragma once

#include <string_view>

namespace falsework {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// Sets the threshold; the default is kInfo.
void set_log_level(LogLevel level);

void log(LogLevel level, std::string_view line);
inline void log_debug(std::string_view line) { log(LogLevel::kDebug, line); }
inline void log_info(std::string_view line) { log(LogLevel::kInfo, line); }
inline void log_warning(std::string_view line) { log(LogLevel::kWarning, line); }
inline void log_error(std::string_view line) { log(LogLevel::kError, line); }

}  // namespace falsework
