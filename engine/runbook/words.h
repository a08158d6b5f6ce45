// How a runbook says what a plan has as codes: locks, durations, phases, strategies, sizes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/runbook/outline.h"
#include "plans/plan.h"

namespace falsework::runbook {

std::string render_count(std::int64_t count);                                          // 1,250,000
std::string render_bytes(std::int64_t bytes);                                          // 90.0 MiB
std::string render_server(int version);                                                // PostgreSQL 15.4
std::string count_of(std::size_t count, std::string_view one, std::string_view many);  // 1 step, 3 steps

std::string_view purpose(const Plan& plan, Phase phase);        // what the phase is for
std::string_view describe(pg::LockDuration duration);           // for how long, as a class
std::string_view describe_strategy(std::string_view strategy);  // empty for one that has no words yet

// Whether other sessions' writes (or reads) wait while the lock is held.
bool blocks_writes(const pg::TakenLock& lock);
bool blocks_reads(const pg::TakenLock& lock);
// The strongest lock, the longest among equals; nullopt without locks.
std::optional<pg::TakenLock> strongest(const std::vector<pg::TakenLock>& locks);
// `ACCESS EXCLUSIVE: blocks reads, writes, DDL`.
std::string describe(const pg::TakenLock& lock);
// Relation, lock, what it blocks, for how long.
Table table_of(const std::vector<pg::TakenLock>& locks);

// The number of a step, from 1, and how the text refers to it: `step 3 (ID)`.
int number_of(const Plan& plan, const Step& step);
Text reference(const Plan& plan, const Step& step);
Span step_link(const Plan& plan, const Step& step);  // its number, leading to it
std::string anchor_of(const Plan& plan, const Step& step);
std::string anchor_of(Phase phase);

// The tables that keep what steps drop: `falsework.a, falsework.b`; empty when there is none.
Text archives_of(const Plan& plan);

// The phases that have steps, in order.
std::vector<Phase> phases_of(const Plan& plan);

// Statements as one text that can be pasted: each ends with a semicolon.
std::string listing_of(const std::vector<std::string>& statements);

// What the plain statement of a change would have done: locks, for how long, what it would rewrite or read.
std::string naive_cost(const PlannedChange& change);
inline constexpr std::string_view kAtThatInstant = "And every client would have to be ready for it at that instant.";

// Appends spans, so that sentences can be put together.
void append(Text& text, Text more);

}  // namespace falsework::runbook
