// What a database holds that is the user's: catalog and rows, as two lists that can be compared.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/oracle/catalog_oracle.h"
#include "tests/support/server.h"

namespace falsework::test {

struct DatabaseState {
  std::vector<std::string> catalog;
  std::map<std::string, std::vector<std::string>> rows;  // by table
};

DatabaseState state_of(const TestDatabase& database, const OracleOptions& options = {});

// What differs, line by line; empty when nothing does.
std::string difference(const DatabaseState& wanted, const DatabaseState& found);

}  // namespace falsework::test
