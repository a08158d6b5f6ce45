// A schema with one of everything that a change can touch, for tests of what reads catalogs.
#pragma once

#include <string>

#include "tests/support/server.h"

namespace falsework::test {

struct ZooRoles {
  std::string reader, writer;  // that hold privileges in it
};

// Fills the database as its owner.
ZooRoles build_zoo(TestDatabase& database);

}  // namespace falsework::test
