// A command of the command line, as data: its name, what it takes, what it needs opened, its handler, its examples.
//
// One rule: help, the parser and docs/reference/command-line.md say what these tables say; a test holds the last to it.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"

namespace falsework::cli {

class Invocation;

struct Option {
  std::string_view name;   // database, without the dashes
  char letter = 0;         // d
  std::string_view value;  // URL, as help shows it; empty: a switch
  std::string_view help;
  bool repeats = false;
};

// What is opened for a command, when it asks for it.
enum class Needs { kNothing, kDatabase, kLedger, kLedgerCreated };

struct Command {
  std::string_view name;     // plan; `release list` is one too
  std::string_view summary;  // one line, lower case
  std::string_view words;    // FILE..., [RUN]
  std::size_t least_words = 0, most_words = 0;
  std::vector<Needs> needs;
  std::vector<Option> options;  // besides common_options()
  ExitCode (*run)(Invocation& invocation);
  std::vector<std::string_view> examples;
  std::string_view details;      // paragraphs for --help; may be empty
  std::string_view needed = {};  // what --help says that it needs, where `needs` alone would say too much
};

// The options that every command takes.
const std::vector<Option>& common_options();

// All commands, in the order in which help lists them.
const std::vector<Command>& commands();

// Each command, in engine/cli/commands/<name>.cpp.
Command plan_command();
Command runbook_command();
Command explain_command();
Command apply_command();
Command advance_command();
Command approve_command();
Command acknowledge_command();
Command rollback_command();
Command pause_command();
Command resume_command();
Command throttle_command();
Command status_command();
Command history_command();
Command release_list_command();
Command release_withdraw_command();
Command snapshot_command();
Command drift_command();
Command archive_drop_command();
Command check_command();
Command prove_command();
Command adopt_command();

// Options that several commands share.
std::vector<Option> lock_options();

}  // namespace falsework::cli
