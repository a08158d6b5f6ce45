// What is changed while clients write, and who writes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/clients/checker.h"
#include "tests/clients/column_writer.h"
#include "tests/clients/family_writer.h"

namespace falsework::test {

struct Scenario {
  std::string name;
  std::string schema;
  std::string declaration;  // SQL form
  std::vector<Pair> pairs;
  std::vector<Never> nevers;
  std::vector<ColumnSpec> columns;
  std::vector<FamilySpec> families;
  int writers = 2;          // of each shape, for each of the specs
  bool early_gate = false;  // the old shape must end before the phase `validate`, and there is nothing to switch

  // A writer for each, old ones named `old …`, new ones `new …`.
  std::vector<std::unique_ptr<Writer>> cast(Traffic& traffic) const;
};

Scenario renaming();
Scenario widening();
Scenario filling();
Scenario referencing();
Scenario composed();

}  // namespace falsework::test
