// Looked at before a run is started or carried on: what would make it fail, wait for long, or harm others.
//
// One rule: it reads and reports; what a finding would cause stands with it, and what cannot be known is said.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/archives.h"
#include "engine/facade.h"
#include "executor/locks/holders.h"
#include "plans/plan.h"
#include "postgres/health/health.h"
#include "postgres/health/server_facts.h"
#include "state/ledger.h"

namespace falsework {

struct PreflightFinding {
  enum class Severity { kWarning, kWait, kRefuse };
  std::string code;  // disk.short, …: docs/reference/preflight.md lists them
  Severity severity = Severity::kWarning;
  std::string message;      // 12 GB are free, 30 GB are needed
  std::string consequence;  // what it would cause, a full sentence
  std::string hint;
  const ErrorKind* kind = nullptr;  // of the error, where it is another than preflight.refused or preflight.wait
  bool acceptable = false;          // --accept CODE makes it a warning
};
std::string_view name(PreflightFinding::Severity severity);  // warning, wait, refuse

// A number that was looked at, for people: `free disk`, `12 GB`.
struct Measure {
  std::string name, value;
};

struct Preflight {
  std::vector<Measure> measures;
  std::vector<PreflightFinding> findings;  // the gravest first
};

struct PreflightQuestion {
  Plan plan;
  std::vector<const Step*> ahead;  // the steps that would run; of a plan that outlives this
  const RunRecord* run = nullptr;  // nullptr: a new one
  const Ledger* ledger = nullptr;
  std::chrono::milliseconds lock_budget{600000};
  bool terminate_blockers = false;
  bool allow_superuser = false;
  std::set<std::string> accepted;         // codes
  std::optional<std::int64_t> free_disk;  // bytes, as a person says
};

// All that preflight looks at, before it is judged.
struct PreflightFacts {
  pg::DatabaseIdentity identity;
  pg::ServerFacts server;
  std::vector<pg::RelationFacts> relations;
  std::vector<Holder> holders;               // of locks that conflict with those of the steps ahead
  std::vector<pg::HealthFinding> leftovers;  // on the plan's relations, of no run under way
  std::vector<ArchiveView> archives;         // of all runs
  bool has_journal = false, may_create_schema = true;
};

PreflightFacts read_preflight_facts(pg::Session& session, const PreflightQuestion& question);
Preflight judge(const PreflightFacts& facts, const PreflightQuestion& question);

// Connects, reads and judges; a standby and a wrong database are judged too. Throws as pg::connect does.
Preflight preflight(const Connection& connection, const PreflightQuestion& question);

// Throws the gravest finding that is no warning: Error(preflight.refused), Error(preflight.wait), or of its own kind.
void require_go(const Preflight& preflight);

}  // namespace falsework
