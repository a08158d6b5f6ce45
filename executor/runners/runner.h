// One function per kind of step, forwards and backwards.
//
// One rule: each returns only when the journal holds the step as done (or undone); what the ledger is told stands
// around it, in the engagement. A lost connection leaves as pg::ConnectionLost.
#pragma once

#include <cstdint>

#include "executor/run_context.h"

namespace falsework {

// All return the number of rows that the step touched, or -1 when that means nothing.

// In one transaction: settings, epoch, locks, drift, statements, probe, fingerprint, journal.
std::int64_t run_statement(RunContext& context, const Step& step);
// Outside any transaction: intent, probe, act, probe, done. What a failed build leaves is removed at once.
std::int64_t run_concurrent(RunContext& context, const Step& step);
// Copies in batches, each with its cursor (executor/backfill). Goes on where the cursor stands.
std::int64_t run_backfill(RunContext& context, const Step& step);
// Throws Error(check.failed), or Error(proof.failed), which is recorded first.
std::int64_t run_check(RunContext& context, const Step& step);
std::int64_t run_note(RunContext& context, const Step& step);

// Records the conditions that hold, and whether the gate is open; returns those that are missing.
std::vector<std::string> run_gate(RunContext& context, const Step& step, const AdvanceRequest& request);

// In one transaction, drift tolerated: statements, journal (a new generation).
void undo_statement(RunContext& context, const Step& step);
// Outside any transaction, by the probe.
void undo_concurrent(RunContext& context, const Step& step);

}  // namespace falsework
