// Tables as people name them on the command line: as in SQL.
#pragma once

#include <string>

#include "base/identifier.h"

namespace falsework::cli {

// Parses `users`, `billing.orders`, `"Order Lines"`; what is not quoted folds to lower case. Throws Error(usage).
QualifiedName parse_table_name(const std::string& text);

}  // namespace falsework::cli
