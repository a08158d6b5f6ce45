// The plan: the immutable, digest-stamped document that a migration becomes, and the whole contract between the planner
// and the executor.
//
// One rule: a step is closed. It carries everything that is needed to run it, prove it, undo it and explain it; whoever
// runs or prints it needs neither planner nor catalog. Field reference: docs/reference/plan.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plans/gate.h"
#include "postgres/locks/lock_mode.h"

namespace falsework {

enum class Phase { kExpand, kDualWrite, kBackfill, kValidate, kSwitch, kContract };
inline constexpr Phase kPhases[] = {Phase::kExpand,   Phase::kDualWrite, Phase::kBackfill,
                                    Phase::kValidate, Phase::kSwitch,    Phase::kContract};
std::string_view name(Phase phase);  // expand, dual_write, …
std::optional<Phase> parse_phase(std::string_view text);

enum class StepKind { kStatement, kConcurrent, kBackfill, kCheck, kGate, kNote };
std::string_view name(StepKind kind);  // statement, concurrent, …
std::optional<StepKind> parse_step_kind(std::string_view text);

// How a `backfill` step copies. $1 and $2 are the bounds of a block range as tids, [$1, $2); $3 is the number of
// stripes and $4 the stripe of this transaction.
struct Copy {
  std::string relation;  // for SQL: `public.users`
  std::string statement;  // UPDATE ONLY … WHERE ctid >= $1 … : computes from the row that it locks, skips what is done
  std::string remaining;  // SELECT count(*) … WHERE ctid >= $1 AND ctid < $2 …: rows of a range that are not yet done
  bool operator==(const Copy&) const = default;
};

// What a `check` step asks. The last of `sql` is the query, those before it prepare the session. The query answers one
// row (count bigint, samples text); it passes when count is 0.
struct Check {
  std::string relation;    // of a check by ranges: for SQL; empty for one query
  bool by_ranges = false;  // $1 and $2 are the bounds, as in Copy; counts are summed
  bool proof = false;      // a failure is sticky: only a person clears it
  std::string message;     // with {count} and {samples}
  std::string hint;
  bool operator==(const Check&) const = default;
};

// How a `concurrent` step finds out where it stands, before and after it acts.
struct Probe {
  std::string query;    // answers one text: absent, ready, broken (invalid, ours), building, foreign
  std::string cleanup;  // removes a broken one; runs outside a transaction
  bool operator==(const Probe&) const = default;
};

struct Timeouts {
  std::chrono::milliseconds lock{500};       // per try; 0: wait without limit (never for what blocks others)
  std::chrono::milliseconds statement{0};    // 0: none
  std::chrono::milliseconds budget{600000};  // for all tries together
  bool operator==(const Timeouts&) const = default;
};

struct Estimate {
  std::int64_t rows = 0;   // that the step reads or writes
  std::int64_t bytes = 0;  // that it adds to the disk
  bool operator==(const Estimate&) const = default;
};

struct Step {
  std::string id;  // users.email_address/dual_write/trigger
  Phase phase = Phase::kExpand;
  StepKind kind = StepKind::kStatement;
  std::string title;                   // imperative, one line
  std::string why;                     // one or two sentences
  std::vector<std::string> relations;  // QualifiedName::display(), sorted
  std::vector<std::string> sql;        // in order; without semicolons
  // In order; empty: nothing has to be done; nullopt: it cannot be undone (`irreversible`).
  std::optional<std::vector<std::string>> undo = std::vector<std::string>{};
  bool irreversible = false;
  std::string undo_note;  // why it cannot be undone, or what undoing does not bring back; may be empty
  // Relations of ours that `undo` reads, for SQL: without one of them the step cannot be undone.
  std::vector<std::string> archives;
  // Steps that are undone whenever this one is, since its undo takes away what they left.
  std::vector<std::string> undo_with;
  bool transaction = true;  // whether `sql` runs in one transaction
  bool undo_transaction = true;
  std::vector<pg::TakenLock> locks, undo_locks;
  bool rewrites = false, scans = false;
  std::string done_when;           // a query that answers one boolean: true when the effect is there; may be empty
  std::vector<std::string> needs;  // ids
  Timeouts timeouts;
  Estimate estimate;
  std::optional<Gate> gate;    // of kGate
  std::optional<Copy> copy;    // of kBackfill
  std::optional<Check> check;  // of kCheck
  std::optional<Probe> probe;  // of kConcurrent
  bool operator==(const Step&) const = default;
};

// What was declared, what it became and what the naive DDL would have cost.
struct PlannedChange {
  std::string kind;      // rename_column
  std::string summary;   // rename users.email to email_address
  std::string relation;  // display
  std::string strategy;  // shadow_column, in_place, validate_in_place
  std::string reason;    // why this strategy
  std::string naive_sql;
  std::vector<pg::TakenLock> naive_locks;
  bool naive_rewrites = false, naive_scans = false;
  Estimate naive_estimate;            // that it would rewrite, or read, under its locks; heaps alone
  std::vector<std::string> warnings;  // what a reviewer must know
  bool operator==(const PlannedChange&) const = default;
};

struct Plan {
  int format_version = 1;
  std::string name;
  std::string digest;  // of everything else (stamp)
  std::string engine_version;
  int server_version = 0;
  std::string database, system_identifier;
  std::map<std::string, std::string> releases;  // switch -> 2026.12, contract -> 2027.01
  std::vector<PlannedChange> changes;
  std::vector<Step> steps;  // in an order that respects `needs` and the phases
  // relation -> object -> digest as they were when it was planned (postgres/catalog/fingerprint.h)
  std::map<std::string, std::map<std::string, std::string>> relies_on;
  std::vector<std::string> relations;  // that fingerprint_query is asked for, as SQL names
  std::string fingerprint_query;
  bool operator==(const Plan&) const = default;

  const Step* step(std::string_view id) const;
};

// Renders as JSON: keys in one order, two spaces, a final newline; equal plans give equal bytes.
std::string render_plan(const Plan& plan);

// The digest of a plan: SHA-256 over its rendering without the digest. stamp() sets it.
std::string digest_of(const Plan& plan);
void stamp(Plan& plan);

// Reads a plan. Throws Error(plan.invalid) naming file and JSON path; an unknown key or a newer format is refused.
// Throws Error(plan.digest_mismatch) when the text does not match its digest.
Plan parse_plan(const std::string& text, const std::string& file);

}  // namespace falsework
