// Snapshots of test databases, read through the product's own session.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "postgres/catalog/introspect.h"
#include "tests/support/server.h"

namespace falsework::test {

std::unique_ptr<pg::Session> session_of(const TestDatabase& database);
pg::Snapshot snapshot_of(const TestDatabase& database, const std::vector<QualifiedName>& tables = {});

}  // namespace falsework::test
