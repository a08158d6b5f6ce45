// The program: finds the command, runs it, and turns every end into an exit code.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace falsework::cli {

// Overwrites the passwords in the arguments that the process list shows. Arguments are read before.
void hide_passwords(int count, char** arguments);

// Runs one command line (without the program's name). Throws Error.
ExitCode run(const std::vector<std::string>& arguments);

// Prints an error: with --json among the arguments as JSON on stdout, otherwise as message and hint on stderr.
void print_error(const Error& error, const std::vector<std::string>& arguments);

}  // namespace falsework::cli
