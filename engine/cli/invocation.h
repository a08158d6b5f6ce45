// One command being run: its arguments, its console, and what it opens.
//
// One rule: nothing is opened or created before the command asks for it, so that a refusal leaves no trace.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "engine/cli/arguments.h"
#include "engine/cli/console.h"
#include "engine/facade.h"
#include "engine/runs.h"

namespace falsework::cli {

// Whether a word names a file rather than a run: `-`, or one that is there.
bool names_file(const std::string& word);

class Invocation {
 public:
  Invocation(const Command& command, Arguments arguments);

  const Command& command() const { return command_; }
  const Arguments& arguments() const { return arguments_; }
  Console& console() { return console_; }

  // From -d, else DATABASE_URL, else libpq's own environment.
  Connection connection() const;

  // Whether it is -d or DATABASE_URL that says so.
  bool database_is_named() const;

  // The ledger, opened on first use; created where the command's table says so. Throws as Ledger::open does, and
  // Error(usage) for a ledger in PostgreSQL, which does not exist yet.
  Ledger& ledger();
  // The ledger if its file is there, else nullptr; creates nothing.
  Ledger* ledger_if_any();
  // Whether there is one: for what can be said without.
  bool has_ledger() const;

  // Who types: the user's name, and user@host (pid) as histories hold it.
  std::string user() const;
  std::string actor_here() const;

  // Settings of the engine, from the options.
  ExecutorOptions executor_options() const;

 private:
  bool needs(Needs what) const;
  std::string ledger_path() const;
  bool ledger_is_named() const;

  const Command& command_;
  Arguments arguments_;
  Console console_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace falsework::cli
