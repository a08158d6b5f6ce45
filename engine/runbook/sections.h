// The sections of a runbook, each added to the outline by one function; outline.cpp puts them in order.
#pragma once

#include "engine/runbook/outline.h"

namespace falsework::runbook {

// The first page: what a reader who knows nothing of Falsework must know.
void add_summary(const Plan& plan, const Known& known, Outline& outline);
void add_time_line(const Plan& plan, Outline& outline);
void add_identity(const Plan& plan, Outline& outline);

void add_changes(const Plan& plan, Outline& outline);
void add_who_is_affected(const Plan& plan, Outline& outline);

void add_graph_and_phases(const Plan& plan, Outline& outline);
void add_preflight(const Plan& plan, Outline& outline);
void add_steps(const Plan& plan, const Known& known, Outline& outline);
void add_in_between(const Plan& plan, Outline& outline);
void add_rollback(const Plan& plan, Outline& outline);
void add_developers(const Plan& plan, Outline& outline);
void add_abort_criteria(const Plan& plan, Outline& outline);
void add_sign_off(const Plan& plan, Outline& outline);

}  // namespace falsework::runbook
