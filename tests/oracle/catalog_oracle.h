// What a database's catalog holds, as text rows: the judge of round trips, independent of the product's own reading.
//
// One rule: everything that a person or a client could tell apart is in a row, and nothing else: no OIDs, attribute
// numbers, file numbers, statistics or dropped columns. Schema falsework and the system's schemas are left out.
#pragma once

#include <string>
#include <vector>

#include "tests/support/client.h"

namespace falsework::test {

struct OracleOptions {
  bool ignore_column_order = false;  // of tables; that of views always counts
};

// Reads all of it, sorted, in one round trip. Inside a transaction of the caller's, search_path stays changed until it
// ends.
std::vector<std::string> catalog_rows(Client& client, const OracleOptions& options = {});

// The rows of a table (a name in SQL), sorted, whatever the order of its columns: each value as the server prints it.
std::vector<std::string> table_rows(Client& client, const std::string& table);

// What stands in only one of two sorted lists: `- row` of the first, `+ row` of the second.
std::vector<std::string> row_differences(const std::vector<std::string>& before, const std::vector<std::string>& after);

}  // namespace falsework::test
