// One function per kind of step, forwards and backwards.
//
// One rule: each returns only when the journal holds the step as done (or undone); what the ledger is told stands
// around it, in the engagement. A lost connection leaves as pg::ConnectionLost.
#pragma once

#include <cstdint>

#include <string>
#include <vector>

#include "executor/run_context.h"

namespace falsework {

// All return the number of rows that the step touched, or -1 when that means nothing.

// In one transaction: settings, epoch, locks, drift, statements, probe, fingerprint, journal.
std::int64_t run_statement(RunContext& context, const Step& step);
// Outside any transaction: intent, probe, act, probe, done. What a failed build leaves is removed at once; how far it
// is and whom it waits for is told meanwhile.
std::int64_t run_concurrent(RunContext& context, const Step& step);
// Copies in batches, each with its cursor (executor/backfill). Goes on where the cursor stands.
std::int64_t run_backfill(RunContext& context, const Step& step);
// Throws Error(check.failed), or Error(proof.failed), which is recorded first.
std::int64_t run_check(RunContext& context, const Step& step);
std::int64_t run_note(RunContext& context, const Step& step);

// What becomes of a gate: whether it opens, and why not.
struct GateVerdict {
  bool opens = false, overridden = false;
  std::vector<std::string> unmet;      // conditions, as render_condition spells them
  std::vector<std::string> described;  // the same, with what is so now and what is missing
  std::string account;                 // every condition with what is so now: for the record
};
// Looks at a gate; changes nothing but what was last seen of the old shape.
GateVerdict judge_gate(RunContext& context, const Step& step, const AdvanceRequest& request);
// Records that the gate is open, and why although it should not be.
void open_gate(RunContext& context, const Step& step, const GateVerdict& verdict, const std::string& reason);
// Remembers the releases that are said to be out: for this run, and for those that come to their gates later.
void record_releases(RunContext& context, const AdvanceRequest& request);

// In one transaction, drift tolerated: statements, journal (a new generation).
void undo_statement(RunContext& context, const Step& step);
// Outside any transaction, by the probe.
void undo_concurrent(RunContext& context, const Step& step);

}  // namespace falsework
