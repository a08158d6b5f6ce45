// Which ledger a run is kept in.
//
// One rule: a ledger is believed only when it is the one that the journal names, and has the event that the journal
// remembers: an older copy, or one that went another way, is refused.
#pragma once

#include "state/ledger.h"
#include "state/postgres/journal.h"

namespace falsework {

enum class LedgerStanding {
  kKeeps,         // it is the ledger of the run, up to date
  kOtherLineage,  // another ledger keeps the run
  kOlder,         // a copy from before the run was last carried on
  kParted,        // a copy that went another way since
};
LedgerStanding standing_of(const JournalRun& entry, const Ledger& ledger);

// Throws Error(ledger.foreign) for another lineage, Error(ledger.stale) for an older copy or one that parted.
void require_our_ledger(const JournalRun& entry, const Ledger& ledger);

}  // namespace falsework
