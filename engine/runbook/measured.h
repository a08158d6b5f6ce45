// What the live database says before a run, for the checklist of its runbook: values alone, whoever read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/runbook/outline.h"

namespace falsework::runbook {

struct Measured {
  struct Relation {
    std::string name;                         // display
    std::int64_t rows = -1;                   // the server's estimate; -1 unknown
    std::int64_t bytes = 0, total_bytes = 0;  // heap; with indexes and TOAST
    std::size_t indexes = 0, triggers = 0;
    std::vector<std::string> dependents;  // views, foreign keys of other tables, policies: what hangs on it
  };
  struct Fact {
    std::string name, value;  // `disk free`, `12.0 GiB`
  };
  struct Finding {
    std::string severity, code;  // warning, wait, refuse; disk.short
    std::string message, consequence, hint;
  };
  std::string database, at;  // without secret; RFC 3339
  std::vector<Relation> relations;
  std::vector<Fact> facts;
  std::vector<Finding> findings;  // the gravest first
};

void add_measured(const Measured& measured, Outline& outline);

}  // namespace falsework::runbook
