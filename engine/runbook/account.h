// What happened in a run, for its runbook: the record and its events, and what they say of each step.
//
// One rule: only what the ledger holds; without a clock, so that the same ledger gives the same document.
#pragma once

#include <string>
#include <vector>

#include "engine/runbook/outline.h"
#include "state/ledger.h"
#include "state/run_state.h"

namespace falsework::runbook {

struct Account {
  RunRecord record;
  RunState state;
  std::vector<Event> events;  // of the run, by serial
};

// Where the run stands, who did what at each gate, each step with its time and rows against the plan's, and what did
// not go as planned.
void add_account(const Plan& plan, const Account& account, Outline& outline);

// One paragraph about one step, to stand with it.
void add_step_account(const Step& step, const Account& account, Outline& outline);

// Every event, with the hash that the last of them has.
void add_record(const Plan& plan, const Account& account, Outline& outline);

// What a heading says of a run, or of a step in it, at a glance.
Badge badge_of(const Account& account);
Badge badge_of(const Step& step, const Account& account);

}  // namespace falsework::runbook
