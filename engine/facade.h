// The front door: what each command does, without the command line.
//
// One rule: a command is a function of a request; printing is the command line's business.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "executor/executor.h"
#include "planner/change.h"
#include "plans/plan.h"
#include "postgres/catalog/compare.h"
#include "postgres/catalog/snapshot.h"

namespace falsework {

struct Connection {
  std::string conninfo;  // from -d, DATABASE_URL, or empty for libpq's own environment
  std::string application_name = "falsework";
};

// Declarations + a live server or a snapshot -> a stamped, verified plan. Changes nothing.
Plan plan_from_server(const std::vector<std::filesystem::path>& declarations, const Connection& connection);
Plan plan_from_snapshot(const std::vector<std::filesystem::path>& declarations, const std::filesystem::path& snapshot);

// The catalog of a database as a snapshot, of all or of some tables.
pg::Snapshot take_snapshot(const Connection& connection, const std::vector<QualifiedName>& tables);

// What differs between what a plan relies on and the live catalog; lines for people.
std::vector<std::string> drift_of(const Plan& plan, const Connection& connection);

}  // namespace falsework
