// The plan as a directed acyclic graph of steps (Boost.Graph).
#pragma once

#include <string>
#include <vector>

#include "plans/plan.h"

namespace falsework {

// The ids of the steps in an order that respects `needs` and the phases, and is otherwise stable by the given order.
// Throws Error(plan.invalid) that names the steps of a cycle.
std::vector<std::string> order_steps(const std::vector<Step>& steps);

// Everything that `id` needs, directly or not (upstream), or that needs it (downstream); in plan order, without itself.
std::vector<std::string> upstream(const Plan& plan, const std::string& id);
std::vector<std::string> downstream(const Plan& plan, const std::string& id);

// What a step needs and none of its other needs needs already; in the order of their names.
std::vector<std::string> direct_needs(const Plan& plan, const Step& step);

// What is wrong with a plan, in words; empty when nothing is: unique ids that fit the phase, needs that exist and are
// not later, closed steps (a backfill has its copy, a gate its conditions, …), irreversible exactly where undo is
// missing, no NOT VALID and VALIDATE in one step, nothing irreversible before a gate of contract.
std::vector<std::string> verify(const Plan& plan);

}  // namespace falsework
