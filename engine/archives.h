// The archives that runs keep in a database: where they are, whose, and whether a rollback still needs them.
//
// One rule: an archive is found by its name, and whose it is the journal says; one that no run there has made is
// nobody's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/facade.h"
#include "engine/runs.h"
#include "postgres/session/session.h"

namespace falsework {

struct ArchiveView {
  std::string archive;               // as SQL names it
  std::string table;                 // whose old columns it keeps, as it is displayed; empty: not known
  std::string run, migration;        // that made it; empty: no run of the journal
  std::string since;                 // RFC 3339; empty: not known
  std::optional<std::int64_t> rows;  // once it is filled
  std::int64_t bytes = 0;            // on disk, with its index
  bool only_copy = false;            // the old columns are gone: what they held is here alone
};

// All of a database, by name. A journal that cannot be read leaves them without a run. Reads only.
std::vector<ArchiveView> find_archives(pg::Session& session);

// The step of a plan that makes an archive; nullptr where none does.
const Step* maker_of(const Plan& plan, const std::string& archive);

// Those of each run, in their order; nullopt where the run's database could not be looked at. Connects only where a
// plan has an archive, and never throws for a database that is not reachable, or is another one.
std::vector<std::optional<std::vector<ArchiveView>>> look_at_archives(const std::vector<RunView>& runs,
                                                                      const Connection& connection);

}  // namespace falsework
