// What `--help` says, from the tables of command.h.
#pragma once

#include <string>

#include "engine/cli/command.h"

namespace falsework::cli {

// Of the program: every command with its summary.
std::string render_help();

// Of a command: usage, options, examples, what it needs.
std::string render_help(const Command& command);

// `-d, --database URL`.
std::string render_option(const Option& option);

}  // namespace falsework::cli
