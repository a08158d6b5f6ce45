// SIGINT and SIGTERM as a request that running code looks at.
//
// One rule: a first signal asks; work stops at the next safe point. A second one ends the process at once, which is
// safe too, for every step survives a crash.
#pragma once

namespace falsework {

// Installs the handlers, once, from main. SIGPIPE and SIGXFSZ are ignored.
void install_stop_signals();

// The signal that asked to stop (SIGINT or SIGTERM), or 0.
int stop_signal() noexcept;
inline bool stop_requested() noexcept { return stop_signal() != 0; }

// Sets or clears the request, for tests.
void set_stop_signal(int signal) noexcept;

// Throws Error(stopped.interrupt or stopped.terminate) when a stop was requested; `where` names the safe point.
void stop_point(const char* where);

}  // namespace falsework
