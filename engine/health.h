// `falsework check`: what postgres/health finds, told apart by whose it is, and the removal of what is ours.
//
// One rule: nothing is removed that a run under way may still use; where the journal cannot be read, nothing is.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/archives.h"
#include "engine/facade.h"
#include "postgres/health/health.h"
#include "state/ledger.h"

namespace falsework {

struct HealthItem {
  pg::HealthFinding finding;
  std::string run;       // under way, that it belongs to; may be empty
  bool fixable = false;  // --fix would remove it
  bool fixed = false;
  std::string failure;  // why it could not be removed
};

struct HealthReport {
  std::string database;
  int server_version = 0;
  std::string journal_unread;  // why the runs of the database are not known; empty: they are
  std::vector<HealthItem> items;
  std::vector<ArchiveView> archives;  // of all runs: to be known of, and no finding
};

struct HealthRequest {
  std::vector<std::string> schemas;
  pg::Severity least = pg::Severity::kNotice;
};

// Looks. `ledger` may be null; with it, what its runs under way use counts as theirs too. Reads only.
HealthReport check_health(const Connection& connection, const HealthRequest& request, const Ledger* ledger);

// What runs left on these relations (display names) and no run under way uses; nothing where the journal cannot be
// read.
std::vector<pg::HealthFinding> find_leftovers(pg::Session& session, const Ledger* ledger,
                                              const std::vector<std::string>& relations);

struct RepairSettings {
  std::chrono::milliseconds lock_timeout{500}, lock_budget{600000};
  std::string actor;                                             // user@host
  std::function<void(const std::vector<std::string>&)> blocked;  // who stands in the way of a lock
};

// Removes what is fixable, one object at a time, each looked at again first; sets `fixed` or `failure` of each item.
// Throws Error(stopped.*), Error(database.unreachable).
void repair(HealthReport& report, const Connection& connection, const Ledger* ledger, const RepairSettings& settings,
            Clock& clock);

}  // namespace falsework
